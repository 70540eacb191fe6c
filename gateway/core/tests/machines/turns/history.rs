//! What must hold after every history of turns.

use serde_json::Value;
use tidegate_core::seams::store::Fate;
use tidegate_protocol::control;
use tidegate_protocol::input::{Input, Trigger};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::ui::Accumulator;

use super::world::World;
use crate::support::disk::{Disk, is_owed};
use crate::support::seeds;

/// Every turn's chunks reduce without an error, end in one boundary, and the transcript holds what
/// a reader of `.out` saw.
fn check(disk: &Disk) {
    for (seq, record) in disk.input.iter().enumerate() {
        let fate = disk.fates.get(&(seq as u64));
        assert_eq!(fate.is_some(), is_owed(record), "fate of input {seq}: {fate:?}");
    }
    let boundaries = disk.boundaries().count();
    let answered = |fate: &Fate| matches!(fate, Fate::Answered { .. } | Fate::Rejected { .. });
    let expected =
        disk.fates.values().filter(|fate| answered(fate)).count() + disk.idle_stops.len();
    assert_eq!(boundaries, expected, "one boundary per turn, and per idle stop by a secret key");
    let transcript = disk.messages();
    let turns = disk.out.split(control::is_boundary);
    for turn in turns {
        let mut seen = Accumulator::new("none");
        let mut deltas = std::collections::HashSet::new();
        for record in turn.iter().filter(|record| control::kind(record).is_none()) {
            let envelope = Envelope::of(record).expect("a data record");
            let chunk: Value = serde_json::from_str(envelope.data.0.get()).expect("JSON");
            seen.push(&chunk).unwrap_or_else(|error| panic!("{error} at {chunk}"));
            if let Some(delta) = chunk["delta"].as_str() {
                assert!(deltas.insert(delta.to_owned()), "{delta} was shown twice");
            }
        }
        let open = seen.open_parts();
        assert!(open.text.is_empty() && open.reasoning.is_empty(), "{open:?} at the boundary");
        let message = seen.message();
        let stored = transcript.iter().find(|stored| stored.message["id"] == message["id"]);
        if let Some(stored) = stored.filter(|stored| stored.is_final) {
            assert_eq!(stored.message, message, "the transcript is what readers saw");
        }
    }
    check_floors(disk);
    check_stops(disk);
    check_injected(disk);
    check_order(disk);
}

/// What was injected shares the boundary of the turn that took it, which some other input asked
/// for, and it is in the history once (I3).
fn check_injected(disk: &Disk) {
    let transcript = disk.messages();
    for (seq, fate) in &disk.fates {
        let Fate::Injected { turn } = fate else { continue };
        let Input::Message(payload) = Input::of(&disk.input[*seq as usize]) else {
            panic!("input {seq} can't be injected")
        };
        assert_eq!(payload.trigger, Trigger::Submit);
        let asked = |fate: &&Fate| **fate == Fate::Answered { turn: *turn };
        assert_eq!(disk.fates.values().filter(asked).count(), 1, "who asked for turn {turn}?");
        let id = &payload.message.expect("a message")["id"];
        let kept = transcript.iter().filter(|stored| stored.message["id"] == *id).count();
        assert_eq!(kept, 1, "{id} is in the history");
    }
}

/// What was not injected is answered in the order in which it came.
fn check_order(disk: &Disk) {
    let turns: Vec<u64> = disk
        .fates
        .values()
        .filter_map(|fate| match fate {
            Fate::Answered { turn } => Some(*turn),
            _ => None,
        })
        .collect();
    assert!(turns.is_sorted(), "{turns:?}");
}

/// A stop hits the turn that ran, or was next, when it was appended, and never a later one (I5).
fn check_stops(disk: &Disk) {
    for (seq, fate) in &disk.fates {
        if let Fate::Applied { turn: Some(turn) } = fate {
            let ended = disk.ended_at[seq];
            assert!(*turn <= ended + 1, "stop {seq} came in turn {} and hit {turn}", ended + 1);
        }
    }
}

/// Floors never fall, and every answered input finds a boundary at or above its seq.
fn check_floors(disk: &Disk) {
    let floors: Vec<u64> = disk
        .out
        .iter()
        .filter_map(|record| record.header(control::IN_EVENT_ID)?.parse().ok())
        .collect();
    assert!(floors.is_sorted(), "{floors:?}");
    for (seq, fate) in &disk.fates {
        if matches!(fate, Fate::Answered { .. }) {
            assert!(floors.iter().any(|floor| floor >= seq), "no boundary for input {seq}");
        }
    }
}

#[test]
fn every_input_has_one_fate_and_every_turn_one_boundary_whatever_crashes() {
    seeds::each(400, 20_000, |seed| {
        let mut world = World::new(seed);
        for _ in 0..60 {
            world.step();
        }
        world.settle();
        check(&world.disk);
    });
}

/// A simulation that never injects would prove nothing about it.
#[test]
fn some_messages_are_injected_and_share_a_boundary() {
    let mut injected = 0;
    for seed in (2..100).step_by(2) {
        let mut world = World::new(seed);
        for _ in 0..60 {
            world.step();
        }
        world.settle();
        let taken = |fate: &&Fate| matches!(fate, Fate::Injected { .. });
        injected += world.disk.fates.values().filter(taken).count();
    }
    assert!(injected > 10, "only {injected} messages were injected");
}
