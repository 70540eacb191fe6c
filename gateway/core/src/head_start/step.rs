//! One step, as one backend makes it: which of its chunks are shown, and how it ended.

use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;

use serde_json::Value;
use tidegate_protocol::limits::ANSWER_MAX_BYTES;

use super::takes::common;
use crate::agents::TakesOver;
use crate::seams::ToolSchema;
use crate::seams::backend::{BackendError, BackendFault, Chunk};

/// How a step ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is the whole answer.
    Final,
    /// It has calls, which the agent takes over; those that have a result already count.
    Calls,
    /// It wanted to go on in a way that can't be handed over; what was shown can be (R-HDS-14).
    Text,
    /// It failed. Before anything was shown that is a skip (R-HDS-15).
    Failed(BackendError),
}

/// Takes the chunks of a backend and gives those to show. Pure.
///
/// Nothing is shown before there is something to read. The chunks of calls are held until the step
/// ends, since only then is it known whether all of them can be handed over: if not, none is shown
/// (R-HDS-12). Calls that the model's provider executes are a part of the answer like text.
#[derive(Debug)]
pub struct Step {
    tools: Arc<[ToolSchema]>,
    calls_allowed: bool,
    /// What comes before the first content.
    early: Vec<Chunk>,
    /// Chunks of calls.
    held: Vec<Chunk>,
    calls: HashMap<String, Call>,
    has_content: bool,
    has_shown: bool,
    /// A step without calls ended; what the backend says of its whole answer is yet to come.
    is_closing: bool,
    /// Of everything that came.
    bytes: usize,
}

/// What is known of a call.
#[derive(Debug, Default)]
struct Call {
    name: String,
    /// Its provider executes it.
    is_provided: bool,
    /// All of its input is there, or what the model made of it.
    is_whole: bool,
    /// The backend executed it.
    has_result: bool,
    asks_approval: bool,
}

impl Step {
    /// A step whose model may call `tools`. Without `calls_allowed` the agent takes only text: no
    /// call is shown.
    pub fn new(tools: Arc<[ToolSchema]>, calls_allowed: bool) -> Self {
        Self {
            tools,
            calls_allowed,
            early: Vec::new(),
            held: Vec::new(),
            calls: HashMap::new(),
            has_content: false,
            has_shown: false,
            is_closing: false,
            bytes: 0,
        }
    }

    /// Who goes on takes no more than `takes`: no other call is shown (R-HDS-26).
    pub fn narrow(&mut self, takes: &TakesOver) {
        self.calls_allowed &= takes.calls;
        self.tools = common(&self.tools, &takes.tools);
    }

    /// Has the backend said anything yet, be it a call?
    pub fn has_content(&self) -> bool {
        self.has_content
    }

    /// Takes what came; gives what to show, and the outcome once the step is over. Nothing may be
    /// taken after that.
    pub fn take(&mut self, chunks: Vec<Chunk>) -> (Vec<Chunk>, Option<Outcome>) {
        let mut shown = Vec::new();
        for chunk in chunks {
            let outcome = self.take_one(chunk, &mut shown);
            if outcome.is_some() {
                return (shown, outcome);
            }
        }
        (shown, None)
    }

    /// The backend has nothing more to say: gives what to show, and the outcome.
    pub fn end(&mut self) -> (Vec<Chunk>, Outcome) {
        let mut shown = Vec::new();
        let outcome = match self.is_closing {
            true => Outcome::Final,
            false => self.close(&mut shown).unwrap_or(Outcome::Final),
        };
        (shown, outcome)
    }

    /// The backend, or the time for it, came to `error`. Behind the step's end that takes nothing
    /// away from the answer.
    pub fn fail(&self, error: BackendError) -> Outcome {
        if self.is_closing { Outcome::Final } else { Outcome::Failed(error) }
    }

    fn take_one(&mut self, chunk: Chunk, shown: &mut Vec<Chunk>) -> Option<Outcome> {
        self.bytes += chunk.raw.len();
        if self.bytes > ANSWER_MAX_BYTES {
            return Some(failed(format!("the first step is over {ANSWER_MAX_BYTES} bytes")));
        }
        match kind(&chunk.value) {
            // Behind the step's end nothing takes anything away from the answer.
            "error" | "abort" if self.is_closing => return Some(Outcome::Final),
            "error" => {
                // Written for the user, as where the backend answers by itself.
                return Some(failed(chunk.value["errorText"].as_str().unwrap_or_default()));
            }
            "abort" => return Some(failed("the backend of the head start gave up")),
            // It does not end here after all, and one step is all that a head start makes.
            "start-step" if self.is_closing => return Some(Outcome::Text),
            "finish-step" => {
                let outcome = self.close(shown);
                if !matches!(outcome, Some(Outcome::Failed(_))) {
                    self.show(chunk, shown);
                }
                return outcome;
            }
            "finish" => {
                let outcome = match self.is_closing {
                    true => Outcome::Final,
                    // Its `finish-step` was forgotten.
                    false => self.close(shown).unwrap_or(Outcome::Final),
                };
                if outcome == Outcome::Final {
                    self.show(chunk, shown);
                }
                return Some(outcome);
            }
            name if name.starts_with("tool-") && !self.is_provided(&chunk.value) => {
                self.has_content = true;
                self.note(&chunk.value);
                self.held.push(chunk);
            }
            _ => self.show(chunk, shown),
        }
        None
    }

    /// Shows a chunk, or keeps it until there is content.
    fn show(&mut self, chunk: Chunk, shown: &mut Vec<Chunk>) {
        let is_content = is_content(&chunk.value);
        self.early.push(chunk);
        if is_content || self.has_shown {
            (self.has_content, self.has_shown) = (true, true);
            shown.append(&mut self.early);
        }
    }

    /// The step's content is whole. `None` if it is the answer, whose end is yet to come.
    fn close(&mut self, shown: &mut Vec<Chunk>) -> Option<Outcome> {
        self.is_closing = true;
        let held = take(&mut self.held);
        if held.is_empty() {
            return match self.has_shown {
                true => None,
                false => Some(failed("the backend of the head start gave an empty answer")),
            };
        }
        if self.calls_allowed && self.calls.values().all(|call| self.can_be_handed_over(call)) {
            self.has_shown = true;
            shown.append(&mut self.early);
            shown.extend(held);
            return Some(Outcome::Calls);
        }
        Some(match self.has_shown {
            true => Outcome::Text,
            false => failed("the head start called only tools that it can't hand over"),
        })
    }

    fn can_be_handed_over(&self, call: &Call) -> bool {
        let tool = self.tools.iter().find(|tool| tool.name == call.name);
        call.is_provided
            || call.has_result
            || call.is_whole && !call.asks_approval && tool.is_some_and(|t| !t.needs_approval)
    }

    /// Is the chunk one of a call that its provider executes?
    fn is_provided(&mut self, chunk: &Value) -> bool {
        if chunk["providerExecuted"] == true && kind(chunk).starts_with("tool-input") {
            self.call(chunk).is_provided = true;
        }
        call_id(chunk).is_some_and(|id| self.calls.get(id).is_some_and(|call| call.is_provided))
    }

    fn note(&mut self, chunk: &Value) {
        let call = self.call(chunk);
        match kind(chunk) {
            "tool-input-available" | "tool-input-error" => call.is_whole = true,
            "tool-output-error" | "tool-output-denied" => call.has_result = true,
            "tool-output-available" => call.has_result |= chunk["preliminary"] != true,
            "tool-approval-request" => call.asks_approval = true,
            _ => {}
        }
    }

    fn call(&mut self, chunk: &Value) -> &mut Call {
        let call = self.calls.entry(call_id(chunk).unwrap_or_default().to_owned()).or_default();
        if let Some(name) = chunk["toolName"].as_str() {
            name.clone_into(&mut call.name);
        }
        call
    }
}

/// A step that is not an answer.
fn failed(message: impl Into<String>) -> Outcome {
    Outcome::Failed(BackendError { kind: BackendFault::Invalid, message: message.into() })
}

fn kind(chunk: &Value) -> &str {
    chunk["type"].as_str().unwrap_or_default()
}

fn call_id(chunk: &Value) -> Option<&str> {
    chunk["toolCallId"].as_str()
}

/// Is it something that a user could see?
fn is_content(chunk: &Value) -> bool {
    match kind(chunk) {
        "text-delta" | "reasoning-delta" => chunk["delta"] != "",
        kind => !matches!(
            kind,
            "start"
                | "start-step"
                | "finish-step"
                | "reset-step"
                | "finish"
                | "message-metadata"
                | "text-start"
                | "text-end"
                | "reasoning-start"
                | "reasoning-end"
        ),
    }
}

#[cfg(test)]
mod tests;
