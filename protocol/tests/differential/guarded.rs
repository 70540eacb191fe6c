//! Broken sequences as they leave the guard.

use serde_json::{Value, json};
use tidegate_protocol::ui::{Accumulator, Close, Grammar, clean_partial};

use crate::chunks::{self, Inputs};
use crate::generator::{self, Case};
use crate::rng::Rng;

pub(crate) struct Guarded {
    pub(crate) case: Case,
    /// The id that the guard says is in force.
    pub(crate) id: String,
    /// How many chunks the guard refused.
    pub(crate) refused: usize,
    /// Whether only types came that `ai` 5 knows.
    old: bool,
}

impl Guarded {
    /// The versions that must accept the sequence.
    pub(crate) fn readers(&self) -> &'static [&'static str] {
        if self.old { &["ai5", "ai6", "ai7"] } else { &["ai7"] }
    }
}

pub(crate) fn is_streaming(part: &Value) -> bool {
    matches!(part["state"].as_str(), Some("streaming" | "input-streaming"))
}

pub(crate) fn case(rng: &mut Rng) -> Guarded {
    let old = rng.chance(50);
    let mut initial = json!({"id": "m1", "role": "assistant", "parts": []});
    let mut guard = Grammar::new("m1");
    if rng.chance(30) {
        initial = stored(rng).unwrap_or(initial);
        let visible = Accumulator::resume(initial.clone()).expect("an assistant message");
        guard = Grammar::resume("m1", &visible);
    }
    let mut inputs = Inputs::default();
    let mut out = Vec::new();
    let mut refused = 0;
    for _ in 0..rng.below(30) {
        let mut chunk = chunks::any(rng, &mut inputs);
        if rng.chance(5) {
            chunks::damage(rng, &mut chunk);
        }
        if old && is_new(&chunk) {
            continue;
        }
        match guard.admit(chunk) {
            Ok(admitted) => out.extend(admitted),
            Err(_) => refused += 1,
        }
    }
    out.extend(guard.close(match rng.below(3) {
        0 => Close::Finished,
        1 => Close::Stopped,
        _ => Close::Interrupted { error_text: "it broke" },
    }));
    let id = guard.message_id().to_owned();
    Guarded { case: Case { initial, chunks: out }, id, refused, old }
}

/// A message that an earlier answer left.
fn stored(rng: &mut Rng) -> Option<Value> {
    let earlier = generator::case(rng);
    let mut state = Accumulator::resume(earlier.initial).expect("an assistant message");
    for chunk in &earlier.chunks {
        // Broken chunks change nothing.
        let _ = state.push(chunk);
    }
    let mut message = clean_partial(state.into_message())?;
    message["id"] = json!("m1");
    Some(message)
}

/// Types and values that `ai` 5 does not know.
fn is_new(chunk: &Value) -> bool {
    const NEW: [&str; 8] = [
        "custom",
        "reasoning-file",
        "steering-message",
        "reset-step",
        "tool-approval-request",
        "tool-approval-response",
        "tool-output-denied",
        "finish",
    ];
    chunk["type"].as_str().is_some_and(|kind| NEW.contains(&kind))
}
