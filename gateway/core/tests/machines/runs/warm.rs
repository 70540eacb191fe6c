//! A warm backend that makes first steps for the gateway, as `head_start/warm.rs` runs them: it
//! answers, calls, fails and falls silent.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_core::head_start::{Outcome, Step, StepEvent};
use tidegate_core::seams::ToolSchema;
use tidegate_core::seams::backend::{BackendError, BackendFault, Chunk};

use crate::support::rng::Rng;

/// How long a step may take.
const STEP_MS: u64 = 2_000;
/// The only tool that the agent has.
const TOOL: &str = "search";

/// A step that is being made.
pub(crate) struct Warm {
    step: Step,
    script: VecDeque<Vec<Chunk>>,
    end: End,
    /// When it has had its time.
    until: u64,
    outcome: Option<Outcome>,
}

/// What is behind the last chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Comes,
    Fails,
    /// Nothing, until the step's time is over.
    Silence,
}

impl Warm {
    /// The backend is asked for step `number`.
    pub(crate) fn begin(rng: &mut Rng, number: usize, now: u64, takes_calls: bool) -> Self {
        let parameters = json!({"type": "object"});
        let (name, description, needs_approval) = (TOOL.to_owned(), None, false);
        let tools = Arc::new([ToolSchema { name, description, parameters, needs_approval }]);
        let end = match rng.below(3) {
            0 => End::Comes,
            1 => End::Fails,
            _ => End::Silence,
        };
        let script = script(rng, number);
        let step = Step::new(tools, takes_calls);
        Self { step, script, end, until: now + STEP_MS, outcome: None }
    }

    /// What comes next, if anything has come.
    pub(crate) fn next(&mut self, now: u64) -> Option<StepEvent> {
        if let Some(outcome) = self.outcome.take() {
            return Some(StepEvent::Ended(outcome));
        }
        if self.until <= now {
            return Some(StepEvent::Ended(self.step.fail(error(BackendFault::Timeout))));
        }
        let (shown, outcome) = match (self.script.pop_front(), self.end) {
            (Some(chunks), _) => self.step.take(chunks),
            (None, End::Comes) => {
                let (shown, outcome) = self.step.end();
                (shown, Some(outcome))
            }
            (None, End::Fails) => {
                (Vec::new(), Some(self.step.fail(error(BackendFault::Unavailable))))
            }
            (None, End::Silence) => return None,
        };
        self.outcome = outcome;
        if shown.is_empty() {
            return self.outcome.take().map(StepEvent::Ended);
        }
        Some(StepEvent::Chunks(shown))
    }
}

/// What the backend says: text, a call, both or neither, at times cut short.
fn script(rng: &mut Rng, number: usize) -> VecDeque<Vec<Chunk>> {
    let mut chunks = vec![json!({"type": "start"}), json!({"type": "start-step"})];
    let words = rng.below(4);
    if words > 0 {
        chunks.push(json!({"type": "text-start", "id": "t"}));
        let delta = |at| json!({"type": "text-delta", "id": "t", "delta": word(number, at)});
        chunks.extend((0..words).map(delta));
        chunks.push(json!({"type": "text-end", "id": "t"}));
    }
    match rng.below(8) {
        0..=2 => chunks.push(call(number, TOOL)),
        3 => chunks.push(call(number, "of nobody")),
        // No chunk at all.
        4 => chunks.push(json!({"type": 7})),
        _ => {}
    }
    chunks.push(json!({"type": "finish-step"}));
    chunks.push(json!({"type": "finish"}));
    if rng.one_in(3) {
        chunks.truncate(rng.below(chunks.len() as u64) as usize);
    }
    let chunks = chunks.into_iter().map(Chunk::of);
    match rng.one_in(3) {
        true => VecDeque::from([chunks.collect()]),
        false => chunks.map(|chunk| vec![chunk]).collect(),
    }
}

/// A word that no other step says.
fn word(number: usize, at: u64) -> String {
    format!("{}{at} ", words_of(number))
}

/// How each word of step `number` begins.
pub(crate) fn words_of(number: usize) -> String {
    format!("word-{number}-")
}

/// Id of the call of step `number`.
pub(crate) fn call_of(number: usize) -> String {
    format!("call-{number}-")
}

fn call(number: usize, tool: &str) -> Value {
    let id = call_of(number);
    json!({"type": "tool-input-available", "toolCallId": id, "toolName": tool, "input": {}})
}

pub(crate) fn error(kind: BackendFault) -> BackendError {
    BackendError { kind, message: "the backend failed".to_owned() }
}
