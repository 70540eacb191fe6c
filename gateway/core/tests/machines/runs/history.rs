//! What must hold after every history of runs.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::runs::book::RunStatus;
use tidegate_core::runs::book::{RUN_PREFIX, RunRow};
use tidegate_core::seams::store::{Fate, Writer};
use tidegate_protocol::input::{Input, is_from_secret_key};
use tidegate_protocol::limits::{RUN_ATTEMPTS_MAX, UPGRADE_SWAPS_MAX};
use tidegate_protocol::{Record, control};

use super::heads;
use super::stepped;
use super::steps::is_error;
use super::worker::Character;
use super::world::World;
use crate::support::disk::Disk;
use crate::support::inputs::{STOP, trigger};
use crate::support::seeds;

pub(crate) fn check(world: &World) {
    let disk = &world.disk;
    for seq in &disk.owed {
        assert!(disk.fates.contains_key(seq), "input {seq} has no fate");
    }
    let (turns, ends) = turns(disk);
    assert_eq!(turns.len() as u64, world.book().turn, "one boundary per turn (I3)");
    check_fates(disk, &turns, &ends, &world.unread);
    check_idle_stops(disk);
    heads::check(world, &ends);
    stepped::check(world, &turns);
    check_fences(disk);
    check_rows(disk);
    let closed = disk.out.iter().filter(|record| is_closed(record)).count();
    assert_eq!(closed, usize::from(world.closed), "readers hear of the close once");
}

/// Floors and times of the boundaries that end turns: all but those of idle stops.
fn turns(disk: &Disk) -> (Vec<Option<u64>>, Vec<u64>) {
    let floor = |record: &Record| record.header(control::IN_EVENT_ID)?.parse().ok();
    let mut bare = 0;
    let (mut turns, mut ends) = (Vec::new(), Vec::new());
    for (at, record) in disk.out.iter().enumerate().filter(|(_, r)| control::is_boundary(r)) {
        // Whoever ends another's turn raises the fence.
        if disk.writers[at] == (Writer::Gateway { bump: false }) {
            bare += 1;
        } else {
            turns.push(floor(record));
            ends.push(record.timestamp);
        }
    }
    assert_eq!(bare, disk.idle_stops.len(), "each idle stop by a secret key has a boundary");
    (turns, ends)
}

/// An answered input is covered by the boundary of its turn, and by none before (I2, I3).
fn check_fates(disk: &Disk, turns: &[Option<u64>], ends: &[u64], unread: &BTreeSet<u64>) {
    let mut rejected = 0;
    for (seq, fate) in &disk.fates {
        match fate {
            Fate::Answered { turn } | Fate::Injected { turn } => {
                let index = (*turn - 1) as usize;
                assert!(turns[index] >= Some(*seq), "turn {turn} does not cover {seq}: {turns:?}");
                let before = turns[..index].iter().max().copied().flatten();
                assert!(before < Some(*seq), "{seq} was covered before turn {turn}: {turns:?}");
            }
            Fate::Applied { turn: Some(turn) } => {
                let came = disk.input[*seq as usize].timestamp;
                let ended = ends.iter().filter(|end| **end < came).count() as u64;
                // One that comes just when its turn is ended counts for the turn behind it.
                let late = *turn > ended && unread.contains(seq);
                assert!(*turn == ended + 1 || late, "stop {seq} of turn {} hit {turn}", ended + 1);
            }
            Fate::Rejected { .. } => {
                let input = Input::of(&disk.input[*seq as usize]);
                rejected += usize::from(!input.is_hand_over());
            }
            Fate::Applied { turn: None } => {}
            fate => panic!("{fate:?} of {seq}"),
        }
    }
    let errors = disk.out.iter().filter(|record| is_error(record)).count();
    assert!(rejected <= errors, "each rejection is visible");
}

/// An idle stop gets a boundary only if it came with a secret key (I3).
fn check_idle_stops(disk: &Disk) {
    for (seq, fate) in &disk.fates {
        let record = &disk.input[*seq as usize];
        if Input::of(record) == Input::Stop && *fate == (Fate::Applied { turn: None }) {
            let bounded = disk.idle_stops.contains(seq);
            assert_eq!(bounded, is_from_secret_key(record), "boundary of idle stop {seq}");
        }
    }
}

/// Runs write under fences that never fall, and none writes after the gateway ended its turn (I4).
fn check_fences(disk: &Disk) {
    let (mut newest, mut cut) = (0, 0);
    for writer in &disk.writers {
        match writer {
            Writer::Run { fence } => {
                assert!(*fence >= newest && *fence > cut, "a run of the past wrote: {fence}");
                newest = *fence;
            }
            Writer::Gateway { bump: true } => cut = newest,
            _ => {}
        }
    }
}

/// The rows of runs tell what became of them.
fn check_rows(disk: &Disk) {
    let rows = disk.blobs.iter().filter(|(name, _)| name.starts_with(RUN_PREFIX));
    for (name, bytes) in rows {
        let row = RunRow::parse(bytes).expect("ours");
        assert_ne!(row.status, RunStatus::Executing, "{name} is over");
        assert!(row.finished_at.is_some(), "{name} has ended");
    }
}

fn is_closed(record: &Record) -> bool {
    control::kind(record) == Some(control::SESSION_CLOSED)
}

fn history(seed: u64) {
    let character = match seed % 10 {
        0 => Character::Upgrades,
        1 => Character::Fails,
        2 => Character::Leaves,
        3 => Character::Hangs,
        4 => Character::Restless,
        5 => Character::Deaf,
        _ => Character::Sound,
    };
    let mut world = match (seed / 10 % 2, seed % 3) {
        (0, 1) => World::with_head_start(seed, character),
        (guests, first) => {
            let mut world = World::new(seed, character, first == 0);
            world.has_guests = guests == 0;
            world
        }
    };
    if (seed / 20).is_multiple_of(2) {
        world.offer_steps(!seed.is_multiple_of(7), seed % 11 < 3);
    }
    world.calm = false;
    for _ in 0..150 {
        world.step();
    }
    world.settle();
    check(&world);
}

#[test]
fn every_input_has_one_fate_and_every_turn_one_boundary_whatever_dies() {
    seeds::each(300, 30_000, history);
}

/// What a simulation never reaches it does not test.
#[test]
fn histories_reach_every_kind_of_end() {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 1..=100 {
        let mut world = World::new(seed, Character::Sound, false);
        world.calm = false;
        for _ in 0..150 {
            world.step();
        }
        world.settle();
        let stops = world.disk.idle_stops.len();
        *seen.entry("stop repeated").or_default() += world.stops_repeated as u32;
        *seen.entry("idle stop with a boundary").or_default() += stops as u32;
        for fate in world.disk.fates.values() {
            *seen.entry(name(fate)).or_default() += 1;
        }
    }
    let all = ["answered", "injected", "stopped", "applied", "rejected"];
    for name in all.into_iter().chain(["stop repeated", "idle stop with a boundary"]) {
        assert!(seen.get(name).is_some_and(|times| *times > 5), "{name}: {seen:?}");
    }
}

fn name(fate: &Fate) -> &'static str {
    match fate {
        Fate::Answered { .. } => "answered",
        Fate::Injected { .. } => "injected",
        Fate::Applied { turn: Some(_) } => "stopped",
        Fate::Applied { turn: None } => "applied",
        Fate::Rejected { .. } => "rejected",
        _ => "other",
    }
}

/// A session whose first run has come and gone.
fn dead(seed: u64, character: Character) -> World {
    let mut world = World::new(seed, Character::Sound, false);
    world.settle();
    assert_eq!(world.boots, 1, "creating a session dispatches its first run");
    world.character = character;
    world
}

#[test]
fn fifty_appends_to_a_dead_session_give_one_run() {
    let mut world = dead(1, Character::Sound);
    for _ in 0..50 {
        world.append_message();
    }
    world.settle();
    check(&world);
    assert_eq!(world.boots, 2);
    let taken = |fate: &Fate| matches!(fate, Fate::Answered { .. } | Fate::Injected { .. });
    assert_eq!(world.disk.fates.values().filter(|fate| taken(fate)).count(), 50);
}

#[test]
fn agents_that_never_answer_end_in_one_visible_error_each() {
    let runs = u64::from(RUN_ATTEMPTS_MAX);
    let swaps = u64::from(UPGRADE_SWAPS_MAX) + 1;
    for (character, most) in [
        (Character::Upgrades, runs.max(swaps)),
        (Character::Fails, runs),
        (Character::Leaves, runs),
        (Character::Hangs, 1),
        (Character::Deaf, 1),
        (Character::Restless, runs),
    ] {
        let mut world = dead(1, character);
        world.append_message();
        world.settle();
        check(&world);
        assert!(matches!(world.disk.fates[&0], Fate::Rejected { .. }), "{character:?}");
        assert_eq!(world.disk.boundaries().count(), 1, "{character:?}");
        assert!(world.boots - 1 <= most, "{character:?}: {} runs", world.boots);
        // The next message gets a budget of its own.
        world.character = Character::Sound;
        world.append_message();
        world.settle();
        assert_eq!(world.disk.fates[&1], Fate::Answered { turn: 2 }, "{character:?}");
    }
}

/// A loop in which nobody waits for anything has an end as well (I7).
#[test]
fn runs_that_only_want_successors_come_to_an_end() {
    let mut world = World::new(1, Character::Restless, false);
    world.settle();
    check(&world);
    assert!(world.boots <= u64::from(RUN_ATTEMPTS_MAX), "{} runs", world.boots);
    assert_eq!(world.disk.boundaries().count(), 0, "nobody waits, so nobody is told");
    // The message that comes then has a budget of its own.
    world.character = Character::Sound;
    world.append_message();
    world.settle();
    assert_eq!(world.disk.fates[&0], Fate::Answered { turn: 1 });
}

/// Runs that had nothing to answer were not fruitless.
#[test]
fn idle_runs_use_up_nobodys_budget() {
    let mut world = World::new(1, Character::Sound, false);
    for _ in 0..u64::from(RUN_ATTEMPTS_MAX) + 2 {
        world.append(&trigger("preload"), false);
        world.settle();
    }
    world.append_message();
    world.settle();
    check(&world);
    let seq = world.disk.input.len() as u64 - 1;
    assert_eq!(world.disk.fates[&seq], Fate::Answered { turn: 1 });
}

/// A stop that came before the run could hear it still stops its turn, and no later one (I5).
#[test]
fn a_stop_from_before_the_run_reaches_it() {
    let mut world = dead(1, Character::Sound);
    world.append_message();
    world.append(STOP, false);
    world.settle();
    check(&world);
    assert_eq!(world.stops_repeated, 1);
    assert_eq!(world.disk.fates[&1], Fate::Applied { turn: Some(1) });
    world.append_message();
    world.settle();
    assert_eq!(world.stops_repeated, 1);
}
