//! Random chunk sequences: mostly legal, some broken.

use serde_json::{Value, json};
use tidegate_protocol::ui::Accumulator;

use crate::chunks::{self, Inputs};
use crate::rng::Rng;

/// One sequence, and the message that it continues.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) initial: Value,
    pub(crate) chunks: Vec<Value>,
}

/// A type that no version knows: its schema would refuse what its reducer ignores.
pub(crate) const UNKNOWN: &str = "hologram";

/// How much of what the reducer would throw at stays in a sequence.
#[derive(Clone, Copy)]
enum Mood {
    Legal,
    Broken,
}

pub(crate) fn case(rng: &mut Rng) -> Case {
    let mood = if rng.chance(70) { Mood::Legal } else { Mood::Broken };
    let mut initial = json!({"id": "m1", "role": "assistant", "parts": []});
    if rng.chance(40) {
        let (earlier, _) = sequence(rng, Mood::Legal, &initial);
        initial = reduce(&initial, &earlier);
        initial["createdAt"] = json!("then");
    }
    let (mut chunks, _) = sequence(rng, mood, &initial);
    if rng.chance(10) {
        let at = rng.below(chunks.len() + 1);
        chunks.insert(at, json!({"type": UNKNOWN, "id": 7}));
    }
    Case { initial, chunks }
}

fn sequence(rng: &mut Rng, mood: Mood, initial: &Value) -> (Vec<Value>, Accumulator) {
    let mut state = Accumulator::resume(initial.clone()).expect("an assistant message");
    let mut inputs = Inputs::default();
    let mut out = Vec::new();
    for _ in 0..rng.below(30) {
        let mut chunk = chunks::any(rng, &mut inputs);
        if matches!(mood, Mood::Broken) && rng.chance(3) {
            chunks::damage(rng, &mut chunk);
        }
        let refused = state.push(&chunk).is_err();
        // What can't follow is rarely worth keeping: most sequences would end there.
        if !refused || (matches!(mood, Mood::Broken) && rng.chance(8)) {
            out.push(chunk);
        }
    }
    (out, state)
}

fn reduce(initial: &Value, chunks: &[Value]) -> Value {
    let mut state = Accumulator::resume(initial.clone()).expect("an assistant message");
    for chunk in chunks {
        state.push(chunk).expect("legal sequences are accepted");
    }
    state.into_message()
}
