//! The accumulator against the reducers that `ai` 5, 6 and 7 publish, on random sequences.

mod chunks;
mod compare;
mod generator;
mod guarded;
mod node;
mod plausible;
mod rng;

use std::collections::BTreeSet;

use compare::{differences, equal, same_outcome};
use generator::Case;
use guarded::Guarded;
use node::Node;
use rng::Rng;
use serde_json::Value;
use tidegate_protocol::ui::{Accumulator, Grammar, clean_partial, to_model_messages};

const SEQUENCES: usize = 3000;
const PLAUSIBLE: usize = 1000;
const GUARDED: usize = 1000;
const TABLE: &str = include_str!("../../../spec/v1/ui-messages.md");

/// `UI_SEED` repeats a run.
#[expect(clippy::print_stdout, reason = "a failure can be repeated only if the seed is shown")]
fn seed() -> u64 {
    let seed = std::env::var("UI_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("UI_SEED={seed}");
    seed
}

/// What the accumulator makes of a case: the message, or the index of the chunk it refused.
fn reduce(case: &Case) -> Result<Value, usize> {
    let mut state = Accumulator::resume(case.initial.clone()).expect("an assistant message");
    for (at, chunk) in case.chunks.iter().enumerate() {
        state.push(chunk).map_err(|_| at)?;
        // Looking must not change what comes later.
        if at % 5 == 0 {
            state.message();
        }
    }
    Ok(state.into_message())
}

/// The case without every chunk that it fails without.
fn shrink(node: &mut Node, mut case: Case) -> Case {
    let mut at = case.chunks.len();
    while at > 0 {
        at -= 1;
        let mut smaller = case.clone();
        smaller.chunks.remove(at);
        let answer = node.reduce(std::slice::from_ref(&smaller), &["ai7"]).remove(0);
        if !same_outcome(&reduce(&smaller), &answer["ai7"]) {
            case = smaller;
        }
    }
    case
}

#[test]
fn every_sequence_reduces_as_in_ai_7() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let cases: Vec<Case> = (0..SEQUENCES).map(|_| generator::case(&mut rng)).collect();
    let mut node = Node::start();
    let answers = node.reduce(&cases, &["ai7"]);
    let mut refused = 0;
    for (case, answer) in cases.iter().zip(&answers) {
        let ours = reduce(case);
        refused += usize::from(ours.is_err());
        if !same_outcome(&ours, &answer["ai7"]) {
            let case = shrink(&mut node, case.clone());
            let answer = node.reduce(std::slice::from_ref(&case), &["ai7"]).remove(0);
            let lines: Vec<String> = case.chunks.iter().map(Value::to_string).collect();
            panic!(
                "seed {seed}: onto {}\nthe chunks\n{}\ngive\n{:?}\nbut ai 7 gives\n{}",
                case.initial,
                lines.join("\n"),
                reduce(&case),
                answer["ai7"]
            );
        }
    }
    // The generator must exercise both sides.
    assert!((50..SEQUENCES / 2).contains(&refused), "{refused} sequences were refused");
}

#[test]
fn older_versions_differ_only_as_listed() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let cases: Vec<Case> = (0..PLAUSIBLE).map(|_| plausible::case(&mut rng)).collect();
    let answers = Node::start().reduce(&cases, &["ai5", "ai6", "ai7"]);
    let listed: BTreeSet<&str> = TABLE.lines().filter_map(class_of_row).collect();
    let mut found = BTreeSet::new();
    for (case, answer) in cases.iter().zip(&answers) {
        assert!(same_outcome(&reduce(case), &answer["ai7"]), "seed {seed}: {:#?}", case.chunks);
        for version in ["ai5", "ai6"] {
            found.extend(differences(version, &answer[version], &answer["ai7"], &case.chunks));
        }
    }
    let unlisted: Vec<_> = found.iter().filter(|c| !listed.contains(c.as_str())).collect();
    assert!(unlisted.is_empty(), "seed {seed}: not in spec/v1/ui-messages.md: {unlisted:#?}");
    let gone: Vec<_> = listed.iter().filter(|c| !found.contains(**c)).collect();
    assert!(gone.is_empty(), "seed {seed}: in spec/v1/ui-messages.md, but not found: {gone:#?}");
}

#[test]
fn what_the_guard_passes_is_read_by_every_version() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let made: Vec<Guarded> = (0..GUARDED).map(|_| guarded::case(&mut rng)).collect();
    let cases: Vec<Case> = made.iter().map(|guarded| guarded.case.clone()).collect();
    let answers = Node::start().reduce(&cases, &["ai5", "ai6", "ai7"]);
    let dropped: usize = made.iter().map(|guarded| guarded.refused).sum();
    assert!(dropped > GUARDED / 10, "{dropped} chunks were refused");
    for (guarded, answer) in made.iter().zip(&answers) {
        for version in guarded.readers() {
            let message = &answer[*version]["message"];
            let parts = message["parts"].as_array();
            let open = parts.is_none_or(|parts| parts.iter().any(guarded::is_streaming));
            let seen = || {
                let lines: Vec<_> = guarded.case.chunks.iter().map(Value::to_string).collect();
                let (onto, got) = (&guarded.case.initial, &answer[*version]);
                format!(
                    "seed {seed}: {version} gives\n{got}\nonto\n{onto}\nfor\n{}",
                    lines.join("\n")
                )
            };
            assert!(!open, "{}", seen());
            assert_eq!(message["id"], guarded.id, "{}", seen());
        }
    }
}

#[test]
fn a_sound_stream_means_the_same_behind_the_guard() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let mut untouched = 0;
    for _ in 0..GUARDED {
        let case = plausible::case(&mut rng);
        let Ok(bare) = reduce(&case) else { continue };
        let mut guard = Grammar::new("m1");
        let admit = |chunk| guard.admit(chunk).expect("a sound stream").into_vec();
        let written: Vec<Vec<Value>> = case.chunks.iter().cloned().map(admit).collect();
        if written.iter().all(|chunks| chunks.len() == 1) {
            untouched += 1;
            let chunks = written.into_iter().flatten().collect();
            let behind = Case { initial: case.initial.clone(), chunks };
            assert_eq!(reduce(&behind), Ok(bare), "seed {seed}: {:#?}", case.chunks);
        }
    }
    assert!(untouched > GUARDED / 2, "{untouched} streams were left as they were");
}

#[test]
fn cleaned_partials_are_valid_history() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let partials = (0..GUARDED).filter_map(|_| reduce(&generator::case(&mut rng)).ok());
    let kept: Vec<Value> = partials.filter_map(clean_partial).collect();
    assert!(kept.len() > GUARDED / 3, "{} partials were kept", kept.len());
    for (message, answer) in kept.iter().zip(Node::start().keep(&kept)) {
        assert_eq!(answer["ai7"]["error"], Value::Null, "seed {seed}: {message}");
    }
}

#[test]
fn messages_become_model_messages_as_in_ai_6() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let mut case = |at| match at % 2 {
        0 => generator::case(&mut rng),
        _ => plausible::case(&mut rng),
    };
    let messages: Vec<Value> = (0..SEQUENCES).filter_map(|at| reduce(&case(at)).ok()).collect();
    assert!(messages.len() > SEQUENCES / 2, "{} messages were made", messages.len());
    for (message, answer) in messages.iter().zip(Node::start().for_model(&messages)) {
        let (ours, theirs) = (Value::from(to_model_messages(message)), &answer["ai6"]["converted"]);
        assert!(equal(&ours, theirs), "seed {seed}: {message}\ngives {ours}\nnot {theirs}");
    }
}

/// The first cell of a table row, where it is a class name.
fn class_of_row(line: &str) -> Option<&str> {
    line.strip_prefix("| `ai")?;
    line.strip_prefix("| `")?.split('`').next()
}
