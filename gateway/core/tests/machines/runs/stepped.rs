//! What must hold of turns whose first step the gateway made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_core::runs::machine::Owed;
use tidegate_core::runs::opened::HeadStart;
use tidegate_core::seams::store::{Fate, Writer};
use tidegate_protocol::handover::Handover;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};

use super::history::check as check_all;
use super::stepping::chunk;
use super::warm::{call_of, words_of};
use super::worker::Character;
use super::world::World;

/// A step that the gateway began.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The turn that it begins.
    pub(crate) turn: u64,
    /// The message that it answers: its `.in` seq, and its id.
    pub(crate) input: Option<u64>,
    pub(crate) message: String,
    /// The book has had it.
    is_kept: bool,
    /// Its hand-over was read.
    is_handed: bool,
    /// It showed nothing, and no run waited for it.
    is_skipped: bool,
}

impl Begun {
    pub(crate) fn new(turn: u64, input: Option<u64>, message: &str) -> Self {
        let (is_kept, is_handed, is_skipped) = Default::default();
        Self { turn, input, message: message.to_owned(), is_kept, is_handed, is_skipped }
    }

    /// Is the turn that it began its own, to the end?
    fn has_turn(&self) -> bool {
        self.is_kept && !self.is_skipped
    }
}

impl World {
    /// A step runs exactly as long as somebody waits for it.
    pub(crate) fn check_step(&self) {
        let open = self.machine.book().head_start.as_ref();
        let waits = open.is_some_and(|open| open.by_gateway.is_some() && open.handed.is_none());
        let next = self.machine.seen().map_or(0, |seq| seq + 1) as usize;
        let is_over = self.disk.input.iter().skip(next).any(is_own_hand_over);
        let runs = self.steps.warm.is_some();
        assert!(!runs || waits, "a first step runs on for nobody");
        assert!(runs || is_over || !waits, "nobody makes the first step that is waited for");
    }

    /// Follows the steps through the book. `before`: what was open before the commit.
    pub(crate) fn follow_step(&mut self, before: Option<&HeadStart>, out_before: usize) {
        let after = self.book().head_start;
        if let Some(open) = &after
            && let Some(number) = number_of(open)
        {
            let begun = &mut self.steps.begun[number];
            begun.is_kept = true;
            begun.is_handed |= open.handed.is_some();
        }
        let Some(open) = before.filter(|open| after.as_ref().is_none_or(|a| a.at != open.at))
        else {
            return;
        };
        let Some(number) = number_of(open) else { return };
        let ended = self.disk.out.iter().skip(out_before).any(control::is_boundary);
        if ended {
            self.check_stored(open, number);
        } else {
            let shown = self.disk.out.iter().any(|record| is_of(record, number));
            assert!(!shown, "step {number} was shown, and is skipped");
            self.steps.begun[number].is_skipped = true;
        }
    }

    /// What was shown is stored, if no agent took it over (R-HDS-18, R-HDS-19).
    fn check_stored(&self, open: &HeadStart, number: usize) {
        let from = open.by_gateway.as_ref().map_or(0, |by| by.out_start as usize);
        let writers = self.disk.writers.iter().skip(from);
        if writers.clone().any(|writer| matches!(writer, Writer::Run { .. })) {
            return;
        }
        let saved = self.saved().unwrap_or_default();
        let answer = saved.entries.iter().find(|entry| entry.id == format!("answer-{number}"));
        let text = answer.map(|entry| entry.message.to_string()).unwrap_or_default();
        for word in self.disk.out.iter().filter_map(|record| word_of(record, number)) {
            assert!(text.contains(&word), "{word:?} was shown, and is not stored: {saved:?}");
        }
    }

    /// A run finds no message in what is saved that waits for its answer, and has it (R-HDS-7).
    pub(crate) fn check_saved(&self) {
        let Some(saved) = self.saved() else { return };
        let Some(last) = saved.entries.last() else { return };
        let of_last = |begun: &&Begun| begun.has_turn() && begun.message == last.id;
        let Some(begun) = self.steps.begun.iter().rfind(of_last) else { return };
        let (Some(input), false) = (begun.input, begun.turn > self.book().turn) else { return };
        // Where the agent ended it, it knows by itself.
        let ended = turn_ends(self).nth(begun.turn as usize - 1);
        if matches!(ended, Some((_, Writer::Gateway { .. }))) {
            let known = saved.last_in_event_id.as_deref().and_then(|text| text.parse().ok());
            assert!(known >= Some(input), "input {input} would be answered again: {saved:?}");
        }
    }
}

/// Turns that the gateway began, and to the end of which that made a difference.
pub(crate) fn turns(world: &World) -> BTreeSet<u64> {
    let own = world.steps.begun.iter().filter(|begun| begun.has_turn());
    own.map(|begun| begun.turn).collect()
}

/// Did the step of `turn` answer the input `seq`?
pub(crate) fn answers(world: &World, seq: u64, turn: u64) -> bool {
    let of = |begun: &Begun| begun.has_turn() && begun.turn == turn && begun.input == Some(seq);
    world.steps.begun.iter().any(of)
}

/// `floors`: of the boundaries that end turns.
pub(crate) fn check(world: &World, floors: &[Option<u64>]) {
    let mut taken = BTreeSet::new();
    for (number, begun) in world.steps.begun.iter().enumerate() {
        if !begun.has_turn() {
            continue;
        }
        let turn = begun.turn;
        assert!(taken.insert(turn), "two first steps in turn {turn}");
        assert!(!world.heads.contains(&turn), "turn {turn} was begun by server code as well");
        check_input(world, begun, floors[turn as usize - 1]);
        check_handed(world, number);
    }
    check_words(world);
    check_shown_once(world);
}

/// The turn of a step settles the message that the step answered (R-HDS-16).
fn check_input(world: &World, begun: &Begun, floor: Option<u64>) {
    let Some(seq) = begun.input else { return };
    assert!(floor >= Some(seq), "the boundary of turn {} does not cover {seq}", begun.turn);
    match &world.disk.fates[&seq] {
        Fate::Answered { turn } => assert_eq!(*turn, begun.turn, "the turn of {seq}"),
        Fate::Rejected { .. } => {}
        fate => panic!("{fate:?} of {seq}, whose first step was made"),
    }
}

/// What readers were shown of a step is what was handed over, and that once (R-HDS-14).
fn check_handed(world: &World, number: usize) {
    let answer = format!("answer-{number}");
    let of_step = |record: &&Record| {
        let applied =
            matches!(world.disk.fates.get(&record.seq_num), Some(Fate::Applied { turn: Some(_) }));
        applied && hand_over(record).is_some_and(|it| it.message_id.as_deref() == Some(&*answer))
    };
    let handed: Vec<_> = world.disk.input.iter().filter(of_step).filter_map(hand_over).collect();
    assert!(handed.len() <= 1, "step {number} is handed over twice");
    let begun = &world.steps.begun[number];
    assert_eq!(handed.len(), usize::from(begun.is_handed), "hand-overs of {begun:?}");
    let Some(handed) = handed.first().map(Handover::render) else { return };
    let called = world.disk.out.iter().filter(|record| is_of(record, number));
    let called = called.filter_map(chunk).any(|chunk| chunk["toolCallId"].is_string());
    assert_eq!(handed.contains(&call_of(number)), called, "calls of step {number}: {handed}");
    for word in world.disk.out.iter().filter_map(|record| word_of(record, number)) {
        assert!(handed.contains(&word), "{word:?} was shown, and is not handed over: {handed}");
    }
}

/// Each word is shown once, in the turn of its step, and none behind what a run writes.
fn check_words(world: &World) {
    let (mut turn, mut runs_write) = (1, false);
    let mut words = BTreeSet::new();
    for (record, writer) in world.disk.out.iter().zip(&world.disk.writers) {
        runs_write |= matches!(writer, Writer::Run { .. }) && chunk(record).is_some();
        for (number, begun) in world.steps.begun.iter().enumerate() {
            if !is_of(record, number) {
                continue;
            }
            assert!(begun.turn == turn && begun.has_turn(), "turn {turn} has words of {begun:?}");
            assert!(!runs_write, "step {number} writes behind the run of turn {turn}");
            let word = word_of(record, number);
            assert!(word.is_none_or(|word| words.insert(word)), "step {number} is shown twice");
        }
        if control::is_boundary(record) && *writer != (Writer::Gateway { bump: false }) {
            (turn, runs_write) = (turn + 1, false);
        }
    }
}

/// Of the steps that answer one message, one is shown (R-HDS-15).
fn check_shown_once(world: &World) {
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, begun) in world.steps.begun.iter().enumerate() {
        if world.disk.out.iter().any(|record| is_of(record, number)) {
            let other = shown.insert(&begun.message, number);
            assert_eq!(other, None, "step {number} answers {} again", begun.message);
        }
    }
}

/// The boundaries that end turns.
fn turn_ends(world: &World) -> impl Iterator<Item = (&Record, Writer)> {
    let written = world.disk.out.iter().zip(world.disk.writers.iter().copied());
    let ends = |(record, writer): &(&Record, Writer)| {
        control::is_boundary(record) && *writer != (Writer::Gateway { bump: false })
    };
    written.filter(ends)
}

fn number_of(open: &HeadStart) -> Option<usize> {
    open.by_gateway.as_ref()?.answer_id.strip_prefix("answer-")?.parse().ok()
}

/// Is it content of step `number`?
fn is_of(record: &Record, number: usize) -> bool {
    let text = String::from_utf8_lossy(&record.body);
    text.contains(&words_of(number)) || text.contains(&call_of(number))
}

fn word_of(record: &Record, number: usize) -> Option<String> {
    let word = chunk(record)?["delta"].as_str()?.to_owned();
    word.starts_with(&words_of(number)).then_some(word)
}

fn hand_over(record: &Record) -> Option<Handover> {
    let text: Value = serde_json::from_str(Envelope::of(record)?.data.0.get()).ok()?;
    Handover::parse(text.as_str()?)
}

fn is_own_hand_over(record: &Record) -> bool {
    matches!(Owed::of(record), Some(Owed::HandOver { own_answer: Some(_), .. }))
}

/// What a simulation never reaches it does not test.
#[test]
fn own_steps_reach_every_kind_of_end() {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 1..=200 {
        let mut world = World::new(seed, Character::Sound, seed.is_multiple_of(3));
        world.offer_steps(!seed.is_multiple_of(4), seed.is_multiple_of(5));
        world.calm = false;
        for _ in 0..150 {
            world.step();
        }
        world.settle();
        check_all(&world);
        count(&world, &mut seen);
    }
    let kinds = ["taken", "calls", "final", "empty", "cut", "given up", "skipped", "cancelled"];
    for name in kinds.into_iter().chain(["late", "of a later turn"]) {
        assert!(seen.get(name).is_some_and(|times| *times > 5), "{name}: {seen:?}");
    }
}

fn count(world: &World, seen: &mut BTreeMap<&str, u64>) {
    let mut add = |name, times: u64| *seen.entry(name).or_default() += times;
    add("cancelled", world.steps.cancelled);
    for record in world.disk.input.iter().filter(|record| is_own_hand_over(record)) {
        let handed = hand_over(record).expect("ours");
        let late = matches!(world.disk.fates[&record.seq_num], Fate::Rejected { .. });
        add("late", u64::from(late));
        add("final", u64::from(handed.is_final));
        add("empty", u64::from(handed.partial.is_empty()));
        add("calls", u64::from(handed.render().contains("call-")));
    }
    for begun in world.steps.begun.iter().filter(|begun| begun.is_kept) {
        let by_run = turn_ends(world).nth(begun.turn as usize - 1);
        let by_run = by_run.is_some_and(|(_, writer)| matches!(writer, Writer::Run { .. }));
        add("of a later turn", u64::from(begun.turn > 1));
        add(
            match (begun.is_skipped, begun.is_handed) {
                (true, _) => "skipped",
                (false, true) if by_run => "taken",
                (false, true) => "cut",
                (false, false) => "given up",
            },
            1,
        );
    }
}
