//! What must hold of turns that began with a head start.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::runs::machine::Owed;
use tidegate_core::seams::store::{Fate, Writer};
use tidegate_protocol::control;

use super::history::check as check_all;
use super::stepped;
use super::worker::Character;
use super::world::World;

/// `ends`: times of the boundaries that end turns.
pub(crate) fn check(world: &World, ends: &[u64]) {
    let heads: BTreeSet<u64> = world.heads.iter().copied().collect();
    assert_eq!(heads.len(), world.heads.len(), "one head start per turn: {:?}", world.heads);
    let heads: BTreeSet<u64> = heads.union(&stepped::turns(world)).copied().collect();
    assert!(heads.last().is_none_or(|turn| *turn <= world.book().turn), "each has a boundary");
    check_fates(world, &heads, ends);
    check_stops(world);
    check_writers(world, &heads);
}

fn check_fates(world: &World, heads: &BTreeSet<u64>, ends: &[u64]) {
    for (seq, fate) in &world.disk.fates {
        let record = &world.disk.input[*seq as usize];
        let of_head = |turn: &u64| heads.contains(turn);
        match (Owed::of(record).expect("it has a fate"), fate) {
            (Owed::HandOver { .. } | Owed::HandOverSkip, Fate::Rejected { .. }) => {}
            (Owed::HandOver { .. } | Owed::HandOverSkip, Fate::Applied { turn: Some(turn) }) => {
                let ended = ends.iter().filter(|end| **end < record.timestamp).count() as u64;
                assert!(of_head(turn) && *turn == ended + 1, "{seq} came after {ended}: {fate:?}");
            }
            (Owed::HandOver { .. } | Owed::HandOverSkip, _) => {
                panic!("{fate:?} of hand-over {seq}")
            }
            (Owed::Answer { message, .. }, Fate::Answered { turn }) if of_head(turn) => {
                let taken = message.is_some_and(|id| world.injected.contains(&id))
                    || stepped::answers(world, *seq, *turn);
                assert!(taken, "{seq} is answered by the head start of turn {turn}");
            }
            _ => {}
        }
    }
}

/// Behind a stop nothing is handed over (R-HDS-8).
fn check_stops(world: &World) {
    let of = |wanted: fn(&Owed) -> bool| {
        world.disk.fates.iter().filter_map(move |(seq, fate)| match fate {
            Fate::Applied { turn } if wanted(&Owed::of(&world.disk.input[*seq as usize])?) => {
                Some((*seq, (*turn)?))
            }
            _ => None,
        })
    };
    for (seq, turn) in of(|owed| matches!(owed, Owed::HandOver { .. })) {
        let stop = of(|owed| matches!(owed, Owed::Stop { .. })).find(|(_, hit)| *hit == turn);
        assert!(stop.is_none_or(|(at, _)| at > seq), "{stop:?} came before the hand-over {seq}");
    }
}

/// Guests write in their own turn, and one run at most goes on where they ended.
fn check_writers(world: &World, heads: &BTreeSet<u64>) {
    let handed: BTreeSet<u64> = handed(world).collect();
    let mut turn = 1;
    let mut runs = BTreeSet::new();
    for (record, writer) in world.disk.out.iter().zip(&world.disk.writers) {
        let ends = control::is_boundary(record) && *writer != Writer::Gateway { bump: false };
        match writer {
            Writer::Guest { .. } => {
                let own = format!("\"guest\":{turn}}}");
                let text = String::from_utf8_lossy(&record.body);
                let its = text.contains(&own) || text.contains("error");
                assert!(its && heads.contains(&turn), "{text} is in turn {turn}");
                assert!(runs.is_empty(), "a guest writes behind the run of turn {turn}");
            }
            // A run of before may have closed the session.
            Writer::Run { .. } if control::kind(record) == Some(control::SESSION_CLOSED) => {}
            Writer::Run { fence } if heads.contains(&turn) => {
                runs.insert(*fence);
                assert!(runs.len() == 1, "runs {runs:?} go on with the step of turn {turn}");
                assert!(handed.contains(&turn), "run {fence} waits for no step in turn {turn}");
            }
            _ => {}
        }
        if ends {
            turn += 1;
            runs.clear();
        }
    }
}

/// Turns that were handed over.
fn handed(world: &World) -> impl Iterator<Item = u64> {
    world.disk.fates.iter().filter_map(|(seq, fate)| match fate {
        Fate::Applied { turn } if is_hand_over(world, *seq) => *turn,
        _ => None,
    })
}

fn is_hand_over(world: &World, seq: u64) -> bool {
    let owed = Owed::of(&world.disk.input[seq as usize]);
    matches!(owed, Some(Owed::HandOver { .. }))
}

/// What a simulation never reaches it does not test.
#[test]
fn head_starts_reach_every_kind_of_end() {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 1..=100 {
        let mut world = World::with_head_start(seed, Character::Sound);
        world.calm = false;
        for _ in 0..150 {
            world.step();
        }
        world.settle();
        check_all(&world);
        count(&world, &mut seen);
    }
    let kinds = ["taken", "cut", "given up", "late", "skipped", "refused", "reopened"];
    for name in kinds {
        assert!(seen.get(name).is_some_and(|times| *times > 5), "{name}: {seen:?}");
    }
}

fn count(world: &World, seen: &mut BTreeMap<String, u64>) {
    let mut add = |name: &str, times| *seen.entry(name.to_owned()).or_default() += times;
    add("refused", world.refused);
    add("reopened", world.heads.iter().filter(|turn| **turn > 1).count() as u64);
    let handed: BTreeSet<u64> = handed(world).collect();
    for (seq, fate) in &world.disk.fates {
        let skip = Owed::of(&world.disk.input[*seq as usize]) == Some(Owed::HandOverSkip);
        match fate {
            Fate::Rejected { .. } if is_hand_over(world, *seq) => add("late", 1),
            Fate::Applied { turn: Some(_) } if skip => add("skipped", 1),
            _ => {}
        }
    }
    let writers = world.disk.out.iter().zip(&world.disk.writers);
    let ends = writers.filter(|(record, _)| control::is_boundary(record));
    let ends = ends.filter(|(_, writer)| **writer != Writer::Gateway { bump: false });
    for (turn, (_, writer)) in (1..).zip(ends).filter(|(turn, _)| world.heads.contains(turn)) {
        add(
            match writer {
                Writer::Run { .. } => "taken",
                _ if handed.contains(&turn) => "cut",
                _ => "given up",
            },
            1,
        );
    }
}
