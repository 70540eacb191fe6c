//! How turns end: in one boundary, written by the run or, where it can't, by the gateway (I3).

use serde_json::json;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::link::Cause;
use tidegate_protocol::{NewRecord, control};

use super::owed::Owed;
use super::state::{Effect, Machine, Phase};
use crate::runs::book::{Book, Current, RunRow, RunStatus};
use crate::seams::store::{Append, Fate, Op, Writer};

/// What a boundary of the run does, decided before it is committed.
#[derive(Debug)]
pub struct Plan {
    /// Fates of the inputs that it settles.
    pub fates: Vec<(u64, Fate)>,
    /// The book as it is then.
    pub book: Book,
}

impl Machine {
    /// What a boundary with these cursors (R-CTL) would do.
    pub fn plan_boundary(&self, floor: Option<u64>, consumed: Option<u64>) -> Plan {
        // A run can't have seen what is not there; `seen` is the tail when a boundary is planned.
        let floor = floor.min(self.seen);
        let consumed = consumed.min(self.seen).max(floor);
        let turn = self.book.turn + 1;
        let fate = |(seq, owed): (&u64, &Owed)| match owed {
            Owed::Answer { message, .. } if Some(*seq) <= floor => {
                let injected = message.as_ref().is_some_and(|id| self.injected.contains(id));
                Some(if injected { Fate::Injected { turn } } else { Fate::Answered { turn } })
            }
            // Each came before the boundary, so it was meant for no later turn (I5).
            owed if owed.is_of_turn() => Some(Fate::Applied { turn: Some(turn) }),
            Owed::Preload if Some(*seq) <= consumed => Some(Fate::Applied { turn: None }),
            _ => None,
        };
        let fates: Vec<_> =
            self.owed.iter().filter_map(|entry| Some((*entry.0, fate(entry)?))).collect();
        let mut book = self.book_after(floor, consumed);
        // A boundary that settles nothing while something is owed gets nobody further (I7).
        let answers = |fate: &Fate| matches!(fate, Fate::Answered { .. } | Fate::Injected { .. });
        let progress = self.book.begins_without_input()
            || !self.is_answering()
            || fates.iter().any(|(_, fate)| answers(fate));
        if progress {
            (book.fruitless, book.swaps) = (0, 0);
        }
        Plan { fates, book }
    }

    /// The boundary is committed.
    pub fn handle_boundary(&mut self, plan: Plan, now: u64) {
        self.now = now;
        for (seq, _) in &plan.fates {
            self.owed.remove(seq);
        }
        self.book = plan.book;
        self.injected.clear();
        (self.first_step, self.out.erred) = (None, false);
        self.early_stop = false;
        self.stuck_at = None;
        (self.heard_at, self.kept_alive_at) = (now, now);
    }

    /// The gateway ends the turn that nobody else ends: a boundary under a new fence, behind an
    /// `error` chunk if there is `text`. The run, if there is one, is cut off.
    pub(super) fn give_up(&mut self, text: Option<String>) {
        let first = self.owed.iter().find(|(_, owed)| owed.is_answer()).map(|(seq, _)| *seq);
        let turn = self.book.turn + 1;
        let mut fates = Vec::new();
        // A message that is not on `.in` comes before everything there.
        if !self.book.answers_no_input()
            && let Some(seq) = first
        {
            fates.push((
                seq,
                match &text {
                    Some(text) => Fate::Rejected { reason: text.clone() },
                    None => Fate::Answered { turn },
                },
            ));
        }
        let stops = self.owed.iter().filter(|(_, owed)| owed.is_of_turn());
        fates.extend(stops.map(|(seq, _)| (*seq, Fate::Applied { turn: Some(turn) })));
        for (seq, _) in &fates {
            self.owed.remove(seq);
        }
        let (floor, consumed) = self.floor();
        // What the agent wrote behind the step is its to restore, but not to answer again.
        let taken = self.first_step.is_some() && self.is_taken();
        let closed = self.close_first_step(text.as_deref(), floor);
        // Server code may be about to write more of a turn that ends here.
        let guests = self.book.head_start.is_some().then_some(Op::HandOver);
        // So that it was for this turn that a run was wanted.
        self.book.wanted &= guests.is_none();
        self.book = Book { fruitless: 0, swaps: 0, ..self.book_after(floor, consumed) };
        self.injected.clear();
        self.early_stop = false;
        let erred = std::mem::take(&mut self.out.erred);
        let chunk = text.filter(|_| !erred).map(|text| {
            let chunk = json!({"type": "error", "errorText": text}).to_string();
            NewRecord::data(chunk.as_bytes(), &format!("e{}", self.book.number))
        });
        let boundary = control::boundary(floor, consumed, None);
        let (closing, saved) = closed.unzip();
        let records = closing.unwrap_or_else(|| chunk.into_iter().collect());
        let records = records.into_iter().chain([boundary]).collect();
        let mut ops = vec![append(records, true), Op::Settle(fates), self.book.put()];
        let is_saved = saved.is_some();
        ops.extend(saved);
        ops.extend(self.row.as_ref().map(RunRow::put));
        ops.extend(guests);
        // Before, lest a crash comes between; and behind, for what the agent saved until then.
        self.effects.extend(taken.then_some(Effect::KeepFloor));
        self.commit(ops);
        self.effects.extend(is_saved.then_some(Effect::KeepEnd));
        self.effects.extend(taken.then_some(Effect::KeepFloor));
        self.leave_queue();
        self.advance();
    }

    /// Nobody needs the run that waits for room any more.
    pub(super) fn leave_queue(&mut self) {
        let waits = matches!(self.phase, Phase::Placing | Phase::Waiting(_));
        if waits && !self.is_answering() && !self.book.wanted {
            self.phase = Phase::Idle;
            self.effects.retain(|effect| !matches!(effect, Effect::Place));
            self.effects.push_back(Effect::Unplace);
        }
    }

    /// Ends the turn of a live run that can't end it itself, and the run with it.
    pub(super) fn fail_turn(&mut self, text: String, cause: Cause, status: RunStatus) {
        self.clear_run(cause, status, Some(text.clone()));
        self.effects.push_back(Effect::End(Some(cause)));
        self.give_up(Some(text));
    }

    /// A stop while no turn runs (I3): settled at once, with a boundary for a secret key.
    pub(super) fn stop_idle(&mut self, seq: u64, owed: &Owed) {
        let fates = vec![(seq, Fate::Applied { turn: None })];
        if *owed == (Owed::Stop { secret: true }) {
            let (floor, consumed) = self.floor();
            let boundary = control::boundary(floor, consumed, None);
            (self.book.floor, self.book.consumed) = (floor, consumed);
            let ops = vec![append(vec![boundary], false), Op::Settle(fates), self.book.put()];
            self.commit(ops);
        } else {
            self.commit(vec![Op::Settle(fates)]);
        }
    }

    /// Without a run: what needs none takes effect, up to the first input that does.
    pub(super) fn settle_leading(&mut self) {
        if self.book.begins_without_input() {
            return;
        }
        while let Some((&seq, owed)) = self.owed.first_key_value() {
            let owed = owed.clone();
            match owed {
                Owed::Answer { .. } => return,
                Owed::Stop { .. } => self.stop_idle(seq, &owed),
                Owed::HandOver { .. } | Owed::HandOverSkip => self.reject_hand_over(seq),
                Owed::CloseRun => {
                    self.commit(vec![Op::Settle(vec![(seq, Fate::Applied { turn: None })])]);
                }
                Owed::Preload => {
                    self.book.wanted = true;
                    (self.book.fruitless, self.book.swaps) = (0, 0);
                    let fate = Fate::Applied { turn: None };
                    self.commit(vec![Op::Settle(vec![(seq, fate)]), self.book.put()]);
                }
                Owed::CloseSession(reason) => {
                    let reason = (!reason.is_empty()).then_some(&*reason);
                    let closed = append(vec![control::session_closed(reason)], true);
                    let fates = vec![(seq, Fate::Applied { turn: None })];
                    self.book.wanted = false;
                    self.commit(vec![closed, Op::Settle(fates), self.book.put()]);
                }
            }
            self.owed.remove(&seq);
        }
    }

    /// Floor and high-water of a boundary that the gateway writes: held back behind what is owed.
    fn floor(&self) -> (Option<u64>, Option<u64>) {
        let waiting = self.owed.iter().find(|(_, owed)| owed.is_answer()).map(|(seq, _)| *seq);
        let floor = match waiting {
            Some(seq) => seq.checked_sub(1),
            None => self.seen,
        };
        (floor.max(self.book.floor), self.seen)
    }

    fn book_after(&self, floor: Option<u64>, consumed: Option<u64>) -> Book {
        Book {
            turn: self.book.turn + 1,
            floor: self.book.floor.max(floor),
            consumed: self.book.consumed.max(consumed),
            initial: false,
            head_start: None,
            left: false,
            current: self.book.current.clone().map(|run| Current { preloaded: false, ..run }),
            ..self.book.clone()
        }
    }
}

/// The gateway's own records on `.out`; `bump` cuts the run off that might write.
pub(super) fn append(records: Vec<NewRecord>, bump: bool) -> Op {
    Op::Append(Append {
        channel: Channel::OUT,
        writer: Writer::Gateway { bump },
        frame_key: None,
        records,
        owed: false,
    })
}
