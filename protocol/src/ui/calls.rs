//! The tool calls that a guarded stream has shown, as far as its guard must know them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::chunk::{flag, text};
use super::partial_json::parse_partial_json;
use super::parts::{call_id, is_dynamic_tool, is_tool, state_of, tool_name};

/// What a call says when its input never came whole.
const CUT_OFF: &str = "The input of this tool call was cut off.";

#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    by_id: HashMap<String, Call>,
    /// Ids of calls whose input is streaming, oldest first.
    streaming: Vec<String>,
    /// Which step this is; steps can be reset.
    step: usize,
}

#[derive(Clone, Debug)]
struct Call {
    name: String,
    dynamic: bool,
    /// The input so far, while it streams.
    input: String,
    as_text: bool,
    approval: Option<String>,
    step: usize,
}

impl Calls {
    /// The calls of a message that is being continued.
    pub(super) fn of(parts: &[Value]) -> Self {
        let mut this = Self::default();
        for part in parts {
            if !is_tool(part) {
                this.step += usize::from(super::parts::is_step_start(part));
                continue;
            }
            let Some(id) = call_id(part) else { continue };
            let call = Call {
                name: tool_name(part).to_owned(),
                dynamic: is_dynamic_tool(part),
                input: text(part, "rawInput").to_owned(),
                as_text: text(part, "inputEncoding") == "text",
                approval: part["approval"]["id"].as_str().map(str::to_owned),
                step: this.step,
            };
            this.by_id.insert(id.to_owned(), call);
            if state_of(part) == "input-streaming" {
                this.streaming.push(id.to_owned());
            }
        }
        let (by_id, step) = (&this.by_id, this.step);
        this.streaming.retain(|id| by_id[id].step == step);
        this
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn has_approval(&self, id: &str) -> bool {
        self.by_id.values().any(|call| call.approval.as_deref() == Some(id))
    }

    pub(super) fn set_approval(&mut self, id: &str, approval: &str) {
        if let Some(call) = self.by_id.get_mut(id) {
            call.approval = Some(approval.to_owned());
        }
    }

    pub(super) fn is_streaming(&self, id: &str) -> bool {
        self.streaming.iter().any(|open| open == id)
    }

    /// Whether the current step has a part for the call.
    pub(super) fn is_in_step(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|call| call.step == self.step)
    }

    /// Takes a `tool-input-start`, `-available` or `-error`.
    pub(super) fn open(&mut self, chunk: &Value, streaming: bool) {
        let id = text(chunk, "toolCallId").to_owned();
        let call = Call {
            name: text(chunk, "toolName").to_owned(),
            dynamic: flag(chunk, "dynamic"),
            input: String::new(),
            as_text: text(chunk, "inputEncoding") == "text",
            approval: self.by_id.get(&id).and_then(|known| known.approval.clone()),
            step: self.step,
        };
        self.end_input(&id);
        if streaming {
            self.streaming.push(id.clone());
        }
        self.by_id.insert(id, call);
    }

    pub(super) fn append(&mut self, id: &str, delta: &str) {
        if let Some(call) = self.by_id.get_mut(id) {
            call.input.push_str(delta);
        }
    }

    pub(super) fn end_input(&mut self, id: &str) {
        self.streaming.retain(|open| open != id);
    }

    /// Gives a chunk the `dynamic` flag of its call: `ai` 5 finds the part by it.
    pub(super) fn align(&self, chunk: &mut Map<String, Value>, id: &str) {
        match self.by_id.get(id) {
            Some(call) if call.dynamic => {
                chunk.insert("dynamic".into(), true.into());
            }
            Some(_) => {
                chunk.shift_remove("dynamic");
            }
            None => {}
        }
    }

    pub(super) fn start_step(&mut self) {
        self.step += 1;
    }

    /// Forgets the calls of the current step, and every unfinished input.
    pub(super) fn reset_step(&mut self) {
        let step = self.step;
        self.by_id.retain(|_, call| call.step != step);
        self.streaming.clear();
    }

    /// Chunks that settle every call whose input is still streaming. `ai` 5, 6 and 7 know them.
    pub(super) fn settle(&mut self, out: &mut Vec<Value>) {
        for id in std::mem::take(&mut self.streaming) {
            out.extend(self.by_id.get(&id).map(|call| call.cut_off(&id)));
        }
    }

    pub(super) fn settle_one(&mut self, id: &str, out: &mut Vec<Value>) {
        if self.is_streaming(id) {
            self.end_input(id);
            out.extend(self.by_id.get(id).map(|call| call.cut_off(id)));
        }
    }
}

impl Call {
    fn cut_off(&self, id: &str) -> Value {
        let input = match self.as_text {
            true => Some(self.input.as_str().into()),
            false => parse_partial_json(&self.input),
        };
        let mut chunk = json!({
            "type": "tool-input-error",
            "toolCallId": id,
            "toolName": self.name,
            "input": input.unwrap_or_else(|| json!({})),
            "errorText": CUT_OFF,
        });
        if self.dynamic {
            chunk["dynamic"] = true.into();
        }
        chunk
    }
}
