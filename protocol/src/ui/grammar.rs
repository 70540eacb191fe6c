//! A guard over what a backend streams: what leaves it is a sequence that clients can reduce.
//!
//! Chunks that the guard makes are of types that `ai` 5, 6 and 7 accept. What a backend sends of
//! its own is passed on even where only some versions know it.

use serde_json::{Value, json};

use super::accumulator::Accumulator;
use super::calls::Calls;
use super::chunk::{ChunkError, text, type_of};
use super::json::has_forbidden_key;
use super::kind::Kind;
use super::metadata::merge_metadata;
use super::parts::is_step_start;
use super::repair::repair_fields;

/// Why a chunk can't be passed on: a client that read it would fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error("`{0}` chunk has a key that the AI SDK's parser refuses (`__proto__` or the like)")]
    ForbiddenKey(String),
}

/// How a backend's stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close<'a> {
    /// It came to its end, with or without a `finish`.
    Finished,
    /// Somebody stopped it.
    Stopped,
    /// It broke off; the text is shown to the user.
    Interrupted { error_text: &'a str },
}

/// Chunks to write, in order: repairs first, then the chunk itself unless it was dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Admitted {
    before: Vec<Value>,
    chunk: Option<Value>,
}

impl Admitted {
    pub fn into_vec(self) -> Vec<Value> {
        self.into_iter().collect()
    }
}

impl IntoIterator for Admitted {
    type Item = Value;
    type IntoIter = std::iter::Chain<std::vec::IntoIter<Value>, std::option::IntoIter<Value>>;

    fn into_iter(self) -> Self::IntoIter {
        self.before.into_iter().chain(self.chunk)
    }
}

/// The guard over one answer.
#[derive(Clone, Debug)]
pub struct Grammar {
    id: String,
    /// The id is already a message of the reader's: a backend can't choose another.
    fixed_id: bool,
    metadata: Option<Value>,
    started: bool,
    step_open: bool,
    /// The open step holds nothing yet and was begun by an earlier attempt.
    step_to_reuse: bool,
    ended: bool,
    text: Vec<String>,
    reasoning: Vec<String>,
    calls: Calls,
}

impl Grammar {
    /// Guards a fresh answer. The id is used unless the backend's first `start` names another.
    pub fn new(message_id: &str) -> Self {
        Self {
            id: message_id.to_owned(),
            fixed_id: false,
            metadata: None,
            started: false,
            step_open: false,
            step_to_reuse: false,
            ended: false,
            text: Vec::new(),
            reasoning: Vec::new(),
            calls: Calls::default(),
        }
    }

    /// Guards what continues a message under its id: a repeated run whose first attempt showed
    /// only `start` and `start-step`, or an answer that goes on after a tool result.
    pub fn resume(message_id: &str, already_visible: &Accumulator) -> Self {
        let open = already_visible.open_parts();
        let parts = already_visible.parts.as_slice();
        Self {
            fixed_id: true,
            metadata: already_visible.metadata.clone(),
            started: already_visible.seen.start,
            step_open: open.step,
            step_to_reuse: open.step && parts.last().is_some_and(is_step_start),
            text: open.text,
            reasoning: open.reasoning,
            calls: Calls::of(parts),
            ..Self::new(message_id)
        }
    }

    /// The id of the message that the stream builds.
    pub fn message_id(&self) -> &str {
        &self.id
    }

    /// What to write for a chunk of the backend's. After an error nothing has changed, except
    /// that the chunk is lost.
    pub fn admit(&mut self, chunk: Value) -> Result<Admitted, GrammarError> {
        let (kind, chunk) = repair_fields(chunk)?;
        let delta = matches!(kind, Kind::TextDelta | Kind::ReasoningDelta | Kind::ToolInputDelta);
        if !delta && has_forbidden_key(&chunk) {
            let name = type_of(&chunk).unwrap_or_default().to_owned();
            return Err(GrammarError::ForbiddenKey(name));
        }
        self.refuse(kind, &chunk)?;
        let mut before = Vec::new();
        if !self.started && !matches!(kind, Kind::Start | Kind::Error | Kind::Abort) {
            before.push(json!({"type": "start", "messageId": self.id}));
            self.started = true;
        }
        let reusable = self.step_to_reuse && is_prelude(kind);
        let chunk = self.take(kind, chunk, &mut before);
        self.step_to_reuse = reusable;
        Ok(Admitted { before, chunk })
    }

    /// What to write when the backend's stream has ended, so that no part is left streaming.
    pub fn close(&mut self, how: Close<'_>) -> Vec<Value> {
        let mut out = Vec::new();
        let ended = std::mem::replace(&mut self.ended, true);
        match how {
            Close::Finished if !self.started && !ended => {
                out.push(json!({"type": "start", "messageId": self.id}));
                self.started = true;
            }
            _ => self.close_parts(&mut out),
        }
        match how {
            Close::Finished if !ended => {
                if std::mem::take(&mut self.step_open) {
                    out.push(json!({"type": "finish-step"}));
                }
                out.push(json!({"type": "finish"}));
            }
            Close::Stopped if self.started && !ended => out.push(json!({"type": "abort"})),
            Close::Interrupted { error_text } => {
                out.push(json!({"type": "error", "errorText": error_text}));
            }
            Close::Finished | Close::Stopped => {}
        }
        out
    }

    /// The chunk to write, if any, and what must come before it.
    fn take(&mut self, kind: Kind, chunk: Value, before: &mut Vec<Value>) -> Option<Value> {
        match kind {
            Kind::Start => self.start(chunk),
            // An earlier attempt wrote it.
            Kind::StartStep if self.step_to_reuse => None,
            Kind::StartStep => {
                self.calls.settle(before);
                self.calls.start_step();
                self.step_open = true;
                Some(chunk)
            }
            Kind::FinishStep => {
                self.close_parts(before);
                self.step_open = false;
                Some(chunk)
            }
            Kind::ResetStep => {
                // A part that began in an earlier step stays, but nobody can close it any more.
                self.close_prose(before);
                self.calls.reset_step();
                Some(chunk)
            }
            Kind::Finish | Kind::Abort | Kind::Error => {
                self.close_parts(before);
                if kind == Kind::Finish && std::mem::take(&mut self.step_open) {
                    before.push(json!({"type": "finish-step"}));
                }
                self.ended = true;
                Some(chunk)
            }
            Kind::TextStart | Kind::TextDelta | Kind::TextEnd => {
                prose("text", &mut self.text, kind, chunk, before)
            }
            Kind::ReasoningStart | Kind::ReasoningDelta | Kind::ReasoningEnd => {
                prose("reasoning", &mut self.reasoning, kind, chunk, before)
            }
            _ => self.tool(kind, chunk, before),
        }
    }

    /// Errors for a chunk that the reducer would throw at and no insertion can save.
    fn refuse(&mut self, kind: Kind, chunk: &Value) -> Result<(), ChunkError> {
        let call = text(chunk, "toolCallId");
        let needs_call = |kind| {
            let id = call.to_owned();
            if self.calls.knows(call) {
                Ok(())
            } else {
                Err(ChunkError::UnknownToolCall { kind, id })
            }
        };
        match kind {
            Kind::ToolInputDelta => needs_call("tool-input-delta"),
            Kind::ToolOutputAvailable => needs_call("tool-output-available"),
            Kind::ToolOutputError => needs_call("tool-output-error"),
            Kind::ToolOutputDenied => needs_call("tool-output-denied"),
            Kind::ToolApprovalRequest => needs_call("tool-approval-request"),
            Kind::ToolApprovalResponse => {
                let id = text(chunk, "approvalId");
                let known = self.calls.has_approval(id);
                if known { Ok(()) } else { Err(ChunkError::UnknownApproval(id.to_owned())) }
            }
            Kind::Start | Kind::Finish | Kind::MessageMetadata => {
                let new = chunk.get("messageMetadata").unwrap_or(&Value::Null);
                merge_metadata(&mut self.metadata, new)
            }
            _ => Ok(()),
        }
    }

    /// The first `start` gets an id; a later one is only worth its metadata.
    fn start(&mut self, mut chunk: Value) -> Option<Value> {
        if self.started {
            let metadata = chunk.get("messageMetadata").filter(|metadata| !metadata.is_null())?;
            return Some(json!({"type": "message-metadata", "messageMetadata": metadata}));
        }
        self.started = true;
        match chunk.get("messageId").and_then(Value::as_str) {
            Some(id) if !self.fixed_id => self.id = id.to_owned(),
            _ => chunk["messageId"] = self.id.as_str().into(),
        }
        Some(chunk)
    }

    fn tool(&mut self, kind: Kind, mut chunk: Value, before: &mut Vec<Value>) -> Option<Value> {
        let id = text(&chunk, "toolCallId").to_owned();
        match kind {
            Kind::ToolInputStart => {
                self.calls.settle_one(&id, before);
                self.align_in_step(&mut chunk, &id);
                self.calls.open(&chunk, true);
            }
            // A late delta would open the part again, for ever.
            Kind::ToolInputDelta if !self.calls.is_streaming(&id) => return None,
            Kind::ToolInputDelta => self.calls.append(&id, text(&chunk, "inputTextDelta")),
            Kind::ToolInputAvailable | Kind::ToolInputError => {
                self.align_in_step(&mut chunk, &id);
                self.calls.open(&chunk, false);
            }
            Kind::ToolOutputAvailable | Kind::ToolOutputError => {
                self.align(&mut chunk, &id);
                self.calls.end_input(&id);
            }
            Kind::ToolApprovalRequest => {
                self.calls.set_approval(&id, text(&chunk, "approvalId"));
                self.calls.end_input(&id);
            }
            Kind::ToolOutputDenied => self.calls.end_input(&id),
            _ => {}
        }
        Some(chunk)
    }

    /// Keeps a call from becoming two parts of one step, of which only one could be closed.
    fn align_in_step(&self, chunk: &mut Value, id: &str) {
        if self.calls.is_in_step(id) {
            self.align(chunk, id);
        }
    }

    fn align(&self, chunk: &mut Value, id: &str) {
        if let Some(members) = chunk.as_object_mut() {
            self.calls.align(members, id);
        }
    }

    fn close_parts(&mut self, out: &mut Vec<Value>) {
        self.close_prose(out);
        self.calls.settle(out);
    }

    /// `ai` 5 and 6 forget open text at a step's end, so this can't wait for `finish`.
    fn close_prose(&mut self, out: &mut Vec<Value>) {
        out.extend(self.text.drain(..).map(|id| json!({"type": "text-end", "id": id})));
        out.extend(self.reasoning.drain(..).map(|id| json!({"type": "reasoning-end", "id": id})));
    }
}

/// What may come before the first `start-step` without using the step.
fn is_prelude(kind: Kind) -> bool {
    matches!(kind, Kind::Start | Kind::MessageMetadata)
}

/// Text and reasoning: a delta opens its part if need be, and no part is opened or closed twice.
fn prose(
    name: &str,
    open: &mut Vec<String>,
    kind: Kind,
    chunk: Value,
    before: &mut Vec<Value>,
) -> Option<Value> {
    let id = text(&chunk, "id");
    let at = open.iter().position(|known| known == id);
    let extra = |end: &str| json!({"type": format!("{name}-{end}"), "id": id});
    match (kind, at) {
        (Kind::TextStart | Kind::ReasoningStart, Some(_)) => before.push(extra("end")),
        (Kind::TextStart | Kind::ReasoningStart, None) => open.push(id.to_owned()),
        (Kind::TextDelta | Kind::ReasoningDelta, None) => {
            before.push(extra("start"));
            open.push(id.to_owned());
        }
        (Kind::TextEnd | Kind::ReasoningEnd, Some(at)) => {
            open.remove(at);
        }
        (Kind::TextEnd | Kind::ReasoningEnd, None) => return None,
        _ => {}
    }
    Some(chunk)
}

#[cfg(test)]
mod tests;
