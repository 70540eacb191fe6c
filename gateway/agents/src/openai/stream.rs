//! Chat-completions events → UI message chunks.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tidegate_core::seams::backend::Chunk;

use super::calls::Calls;
use super::event::{Choice, Content, Event, Usage, error_text};
use crate::upstream::{Broken, Flow, Translate};

/// Characters of a broken event that are shown.
const SHOWN_CHARS: usize = 100;

/// One completion on its way to being an answer.
#[derive(Debug)]
pub(super) struct Completion {
    answer: Arc<str>,
    started: bool,
    open: Option<Open>,
    parts: u32,
    calls: Calls,
    reason: Option<&'static str>,
    model: Option<String>,
    usage: Option<Usage>,
}

/// The part that is being streamed.
#[derive(Debug)]
struct Open {
    kind: PartKind,
    id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartKind {
    Text,
    Reasoning,
}

impl PartKind {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Reasoning => "reasoning",
        }
    }
}

impl Completion {
    /// `answer` is the id of the answer's message, which may go on over several turns.
    pub(super) fn new(answer: Arc<str>, turn: u64) -> Self {
        Self {
            calls: Calls::new(format!("{answer}-{turn}-call")),
            answer,
            started: false,
            open: None,
            parts: 0,
            reason: None,
            model: None,
            usage: None,
        }
    }

    fn choice(&mut self, choice: Choice, out: &mut Vec<Chunk>) {
        if choice.index.unwrap_or(0) != 0 || self.reason.is_some() {
            return;
        }
        if !self.started {
            self.started = true;
            out.push(Chunk::of(json!({"type": "start", "messageId": self.answer})));
            out.push(Chunk::of(json!({"type": "start-step"})));
        }
        let delta = choice.delta.unwrap_or_default();
        // Servers that send both send the same text twice.
        let reasoning = delta.reasoning_content.filter(|text| !text.is_empty());
        self.text(PartKind::Reasoning, reasoning.or(delta.reasoning), out);
        self.text(PartKind::Text, delta.content.map(Content::into_text), out);
        self.text(PartKind::Text, delta.refusal, out);
        for call in delta.tool_calls.into_iter().flatten() {
            self.close_part(out);
            self.calls.delta(call, |value| out.push(Chunk::of(value)));
        }
        if let Some(reason) = choice.finish_reason {
            self.close_step(&reason, out);
        }
    }

    fn text(&mut self, kind: PartKind, text: Option<String>, out: &mut Vec<Chunk>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        if self.open.as_ref().is_none_or(|open| open.kind != kind) {
            self.close_part(out);
            self.parts += 1;
            let id = format!("{}-{}", kind.name(), self.parts);
            out.push(Chunk::of(json!({"type": format!("{}-start", kind.name()), "id": id})));
            self.open = Some(Open { kind, id });
        }
        if let Some(Open { id, .. }) = &self.open {
            let name = match kind {
                PartKind::Text => "text-delta",
                PartKind::Reasoning => "reasoning-delta",
            };
            out.push(Chunk::of(json!({"type": name, "id": id, "delta": text})));
        }
    }

    fn close_part(&mut self, out: &mut Vec<Chunk>) {
        if let Some(Open { kind, id }) = self.open.take() {
            out.push(Chunk::of(json!({"type": format!("{}-end", kind.name()), "id": id})));
        }
    }

    fn close_step(&mut self, reason: &str, out: &mut Vec<Chunk>) {
        self.close_part(out);
        // Some servers say `stop` after tool calls, or nothing.
        self.reason = Some(match reason {
            "stop" if self.calls.is_empty() => "stop",
            "" | "stop" | "tool_calls" | "function_call" if !self.calls.is_empty() => "tool-calls",
            "tool_calls" | "function_call" => "tool-calls",
            "length" => "length",
            "content_filter" => "content-filter",
            _ => "other",
        });
        self.calls.finish(|value| out.push(Chunk::of(value)));
        out.push(Chunk::of(json!({"type": "finish-step"})));
    }

    fn finish(&mut self, out: &mut Vec<Chunk>) {
        let mut metadata = Map::new();
        if let Some(model) = self.model.take() {
            metadata.insert("model".to_owned(), model.into());
        }
        if let Some(usage) = self.usage.take() {
            metadata.insert("usage".to_owned(), usage.metadata());
        }
        let mut chunk = json!({"type": "finish", "finishReason": self.reason.unwrap_or("other")});
        if !metadata.is_empty() {
            chunk["messageMetadata"] = Value::Object(metadata);
        }
        out.push(Chunk::of(chunk));
    }
}

impl Translate for Completion {
    fn event(&mut self, data: &Bytes, out: &mut Vec<Chunk>) -> Result<Flow, Broken> {
        if data.trim_ascii() == b"[DONE]" {
            if self.started && self.reason.is_none() {
                self.close_step("", out);
            }
            self.end(out)?;
            return Ok(Flow::Done);
        }
        let event = Event::parse(data).map_err(|error| {
            let shown: String = String::from_utf8_lossy(data).chars().take(SHOWN_CHARS).collect();
            let what = "sent something that is not a chat completion event";
            Broken::invalid(format!("{what} ({error}): {shown}"))
        })?;
        if let Some(error) = event.error.filter(|error| !error.is_null()) {
            return Err(Broken::invalid(format!("sent an error: {}", error_text(&error))));
        }
        self.model = event.model.filter(|model| !model.is_empty()).or(self.model.take());
        self.usage = event.usage.or(self.usage.take());
        for choice in event.choices.into_iter().flatten() {
            self.choice(choice, out);
        }
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Vec<Chunk>) -> Result<(), Broken> {
        if self.reason.is_none() {
            return Err(Broken::cut_off("ended its answer without a finish reason"));
        }
        self.finish(out);
        Ok(())
    }
}
