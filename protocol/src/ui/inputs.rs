//! The streamed inputs of tool calls.

use std::collections::HashMap;

use serde_json::Value;

use super::chunk::{ChunkError, flag, text};
use super::partial_json::parse_partial_json;
use super::parts::{Parts, call_id, is_dynamic_tool, is_tool, set, state_of, tool_name};
use super::tools::ToolUpdate;

/// Streamed inputs by tool call id. The SDK keeps one after its end, so a late delta reopens it.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs(HashMap<String, Input>);

#[derive(Clone, Debug)]
struct Input {
    text: String,
    tool: String,
    dynamic: bool,
    encoding: Option<Value>,
    title: Option<Value>,
    tool_metadata: Option<Value>,
    unparsed: Option<Unparsed>,
}

/// A part whose `input` and `rawInput` wait until somebody looks: parsing the text at every delta
/// would cost its square.
#[derive(Clone, Copy, Debug)]
struct Unparsed {
    part: usize,
    /// The SDK gives a dynamic part that begins with a delta no `rawInput` until the next one.
    raw: bool,
}

impl Inputs {
    /// The inputs that a continued message was still streaming.
    pub(super) fn of(parts: &Parts) -> Self {
        let step = parts.step();
        let streaming = step.iter().filter(|p| is_tool(p) && state_of(p) == "input-streaming");
        let input = |part: &Value| {
            let input = Input {
                text: text(part, "rawInput").to_owned(),
                tool: tool_name(part).to_owned(),
                dynamic: is_dynamic_tool(part),
                encoding: part.get("inputEncoding").cloned(),
                title: part.get("title").cloned(),
                tool_metadata: part.get("toolMetadata").cloned(),
                unparsed: None,
            };
            Some((call_id(part)?.to_owned(), input))
        };
        Self(streaming.filter_map(input).collect())
    }

    /// `tool-input-start`.
    pub(super) fn begin(&mut self, chunk: &Value) {
        let input = Input {
            text: String::new(),
            tool: text(chunk, "toolName").to_owned(),
            dynamic: flag(chunk, "dynamic"),
            encoding: chunk.get("inputEncoding").cloned(),
            title: chunk.get("title").cloned(),
            tool_metadata: chunk.get("toolMetadata").cloned(),
            unparsed: None,
        };
        self.0.insert(text(chunk, "toolCallId").to_owned(), input);
    }

    /// `tool-input-delta`.
    pub(super) fn delta(&mut self, parts: &mut Parts, chunk: &Value) -> Result<(), ChunkError> {
        let id = text(chunk, "toolCallId");
        let no_input = || ChunkError::NoOpenPart { kind: "tool-input-delta", id: id.to_owned() };
        let input = self.0.get_mut(id).ok_or_else(no_input)?;
        let delta = text(chunk, "inputTextDelta");
        if let Some(unparsed) = &mut input.unparsed
            && parts.in_step(unparsed.part)
        {
            unparsed.raw = true;
            input.text.push_str(delta);
            return Ok(());
        }
        input.settle(parts);
        input.text.push_str(delta);
        let update = ToolUpdate {
            call_id: id,
            name: &input.tool,
            dynamic: input.dynamic,
            state: "input-streaming",
            encoding: input.encoding.clone(),
            title: input.title.clone(),
            tool_metadata: input.tool_metadata.clone(),
            ..ToolUpdate::default()
        };
        let (part, new) = update.apply(parts);
        input.unparsed = Some(Unparsed { part, raw: !(new && input.dynamic) });
        Ok(())
    }

    /// Writes the input that the call's part waits for, before anything else looks at the part.
    pub(super) fn settle(&mut self, parts: &mut Parts, id: &str) {
        if let Some(input) = self.0.get_mut(id) {
            input.settle(parts);
        }
    }

    pub(super) fn settle_all(&mut self, parts: &mut Parts) {
        for input in self.0.values_mut() {
            input.settle(parts);
        }
    }
}

impl Input {
    fn settle(&mut self, parts: &mut Parts) {
        let Some(Unparsed { part, raw }) = self.unparsed.take() else { return };
        let as_text = self.encoding.as_ref().and_then(Value::as_str) == Some("text");
        let part = parts.members(part);
        let input = match as_text {
            true => Some(self.text.as_str().into()),
            false => parse_partial_json(&self.text),
        };
        set(part, "input", input);
        if raw {
            set(part, "rawInput", Some(self.text.as_str().into()));
        }
    }
}
