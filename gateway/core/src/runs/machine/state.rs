//! The runs of one session: pure. Inputs, workers' words and time go in, effects come out.
//!
//! A run is wanted while something is owed. At most one is live; whoever replaces it raises the
//! fence first (I4). A run that ends with something owed is followed by another, within a budget
//! that ends in a visible error (I7). The gateway writes the boundary that a run can't (I3).

use std::collections::{BTreeMap, HashSet, VecDeque};

use tidegate_protocol::Record;
use tidegate_protocol::link::{Cause, ExitClass, ExitError};

use super::first_step::FirstStep;
use super::head_start::OutState;
use super::owed::Owed;
use crate::runs::book::{Book, Current, RunRow, RunStatus};
use crate::seams::store::Op;

/// What the driver has to do.
#[derive(Debug)]
pub enum Effect {
    /// Find a worker, then call [`Machine::handle_placed`].
    Place,
    /// Give up the room that was asked for.
    Unplace,
    /// Raise the fence for a run, then call [`Machine::handle_fenced`].
    Fence,
    /// Commit these operations.
    Commit(Vec<Op>),
    /// Hand the run to the worker.
    Boot,
    /// Push `.in` records to the run, if it takes them over the link.
    Deliver,
    /// Ask the parked run to leave.
    Evict,
    /// Have the first step of the answer to this input made meanwhile, if the agent has a head
    /// start; then call [`Machine::handle_first_step`]. `None`: the message of the base payload.
    BeginStep(Option<u64>),
    /// Say in what the agent saved that `.in` is settled up to the book's floor.
    KeepFloor,
    /// Say in what is saved that it ends with the boundary that `.out` ends with.
    KeepEnd,
    /// Drop the stream of the warm backend.
    CancelStep,
    /// The run's work is over: tell the worker why, unless it said so itself.
    End(Option<Cause>),
    /// Append a stop for the turn that has just begun: it was sent before the run could hear it.
    StopAgain,
}

/// Time limits, ms.
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// Without a record in a running turn.
    pub idle_ms: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Machine {
    pub(super) book: Book,
    pub(super) phase: Phase,
    /// By `.in` seq.
    pub(super) owed: BTreeMap<u64, Owed>,
    /// Highest `.in` seq that was read.
    pub(super) seen: Option<u64>,
    /// Ids of messages that the running turn has taken in.
    pub(super) injected: HashSet<String>,
    /// The run waits for input; the value is the highest `.in` seq that it has seen.
    pub(super) parked: Option<Option<u64>>,
    /// When a parked run that leaves something unanswered is given up, Unix ms.
    pub(super) stuck_at: Option<u64>,
    /// The last sign of life in a running turn, Unix ms.
    pub(super) heard_at: u64,
    pub(super) kept_alive_at: u64,
    /// Where `.out` stood when it was last looked at.
    pub(super) out: OutState,
    /// Tail of `.out` when the run was booted.
    pub(super) out_at_boot: u64,
    /// A stop came before the run could hear it.
    pub(super) early_stop: bool,
    /// The agent has a head start.
    pub(super) has_head_start: bool,
    /// The first step that the gateway makes, until the turn's boundary.
    pub(super) first_step: Option<FirstStep>,
    pub(super) row: Option<RunRow>,
    pub(super) effects: VecDeque<Effect>,
    pub(super) limits: RunLimits,
    pub(super) now: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No run.
    Idle,
    /// The next one begins at this time.
    Waiting(u64),
    /// Until a worker has room.
    Placing,
    /// A worker has room; the fence is being raised.
    Fencing,
    /// Handed over at this time; it is not ready.
    Booting(u64),
    /// Ready.
    Live,
    /// It was told to leave, or wants to, and is cut off at this time.
    Leaving(u64),
    /// It was live when the gateway went away; its worker is expected back until this time.
    Orphaned(u64),
}

/// What is kept of the message of a run that failed.
const ERROR_MAX_BYTES: usize = 4 * 1024;
/// How long a worker is expected back after the gateway's restart.
const ORPHAN_MS: u64 = 2_500;

impl Machine {
    /// A machine at `book`. Inputs that are owed are handed in with [`Machine::restore_owed`],
    /// then [`Machine::handle_restored`] is called.
    pub fn new(book: Book, row: Option<RunRow>, limits: RunLimits, now: u64) -> Self {
        let phase = match book.current {
            Some(_) => Phase::Orphaned(now + ORPHAN_MS),
            None => Phase::Idle,
        };
        Self {
            phase,
            owed: BTreeMap::new(),
            seen: book.consumed,
            book,
            injected: HashSet::new(),
            parked: None,
            stuck_at: None,
            heard_at: now,
            kept_alive_at: now,
            out: OutState::default(),
            out_at_boot: 0,
            early_stop: false,
            has_head_start: false,
            first_step: None,
            row,
            effects: VecDeque::new(),
            limits,
            now,
        }
    }

    /// The next effect.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Where the runs stand.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Highest `.in` seq that was read.
    pub fn seen(&self) -> Option<u64> {
        self.seen
    }

    /// Is there neither a run nor anything to do?
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && !self.rests()
    }

    /// Is a run live that this process can speak to?
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Booting(_) | Phase::Live | Phase::Leaving(_))
    }

    /// Does a turn run, or wait for a run?
    pub fn is_answering(&self) -> bool {
        self.book.begins_without_input() || self.owed.values().any(Owed::is_answer)
    }

    /// An input from before, still owed.
    pub fn restore_owed(&mut self, record: &Record) {
        self.seen = self.seen.max(Some(record.seq_num));
        if let Some(owed) = Owed::of(record) {
            self.owed.insert(record.seq_num, owed);
        }
    }

    /// `.in` up to `tail` was looked at before: what of it is not owed has its fate.
    pub fn restore_seen(&mut self, tail: u64) {
        self.seen = self.seen.max(tail.checked_sub(1));
    }

    /// Everything that is owed was handed in.
    pub fn handle_restored(&mut self, now: u64) {
        self.now = now;
        self.restore_hand_overs();
        self.settle_restored_step();
        // A run is shown nothing before that is committed.
        let before = self.effects.len();
        self.effects.retain(|effect| !matches!(effect, Effect::Deliver));
        if self.effects.len() < before {
            self.effects.push_back(Effect::Deliver);
        }
        self.expect_stop();
        self.advance();
    }

    /// A new `.in` record, in order of seq; [`Machine::note_out`] was called if it is of the turn
    /// that runs, or [`Machine::may_overtake`].
    pub fn handle_input(&mut self, record: &Record, now: u64) {
        self.now = now;
        self.seen = self.seen.max(Some(record.seq_num));
        if let Some(owed) = Owed::of(record) {
            if owed.is_hand_over() {
                self.hear_hand_over(record.seq_num, owed);
            } else if matches!(owed, Owed::Stop { .. }) && !self.is_answering() {
                self.stop_idle(record.seq_num, &owed);
            } else if matches!(owed, Owed::Stop { .. }) && self.stops_here() {
                self.owed.insert(record.seq_num, owed);
                self.give_head_start_up(None);
            } else {
                let heard = self.hears();
                self.early_stop |= matches!(owed, Owed::Stop { .. }) && !heard;
                if owed.is_answer() && !self.is_answering() {
                    (self.heard_at, self.kept_alive_at) = (now, now);
                    self.renew_budget();
                }
                let asked = owed.is_answer();
                self.owed.insert(record.seq_num, owed);
                if asked {
                    self.overtake_preload();
                }
            }
        }
        if self.is_live() {
            self.effects.push_back(Effect::Deliver);
        }
        self.advance();
    }

    /// A worker has room; it runs `version`.
    pub fn handle_placed(&mut self, now: u64) {
        self.now = now;
        if self.phase == Phase::Placing {
            self.phase = Phase::Fencing;
            self.effects.push_back(Effect::Fence);
        }
    }

    /// The fence is raised, and [`Machine::note_out`] was called: the run begins.
    pub fn handle_fenced(&mut self, fence: u64, version: &str, worker: &str, now: u64) {
        self.now = now;
        if let Some(text) = self.is_cut() {
            // The run before was given up, and wrote until now.
            self.phase = Phase::Idle;
            return self.give_up(Some(text));
        }
        let answering = self.is_answering();
        let book = &mut self.book;
        // The base payload's message is answered by the first run, or by another try of it.
        let preloaded = !answering;
        // So is that of a first turn that somebody else began, but by no run that made room for it.
        let began = book.head_start.as_ref().is_some_and(|open| open.first);
        let first = book.initial || (began && book.cause != Some(Cause::Evicted));
        let again = book.number > 0 && (first || book.cause == Some(Cause::Oom));
        let attempt = match (&self.row, again && book.successor.is_none()) {
            (Some(row), true) => row.attempts + 1,
            _ => 1,
        };
        if attempt == 1 {
            book.number = book.successor.take().unwrap_or(book.number + 1);
        }
        book.current = Some(Current {
            attempt,
            fence,
            version: version.to_owned(),
            began_at: now,
            seen: self.seen,
            preloaded,
        });
        (book.wanted, book.pending) = (false, false);
        book.worker = Some(worker.to_owned());
        self.out_at_boot = self.out.tail;
        book.fruitless += 1;
        let row = RunRow {
            number: book.number,
            status: RunStatus::Executing,
            attempts: attempt,
            version: version.to_owned(),
            started_at: self.row.as_ref().filter(|_| attempt > 1).map_or(now, |r| r.started_at),
            finished_at: None,
            error: None,
        };
        self.effects.push_back(Effect::Commit(vec![book.put(), row.put()]));
        self.effects.push_back(Effect::Boot);
        self.row = Some(row);
        self.phase = Phase::Booting(now);
        (self.heard_at, self.kept_alive_at) = (now, now);
    }

    /// The run booted.
    pub fn handle_ready(&mut self, now: u64) {
        self.now = now;
        if matches!(self.phase, Phase::Booting(_)) {
            self.phase = Phase::Live;
            self.heard_at = now;
        }
    }

    /// The gateway that had the run's link is gone: its worker goes to another one at once.
    pub fn expect_worker_until(&mut self, at: u64) {
        if let Phase::Orphaned(until) = &mut self.phase {
            *until = at.min(*until);
        }
    }

    /// The run of before the restart is back; it has seen `.in` up to `seen`.
    pub fn handle_adopted(&mut self, parked: bool, seen: Option<u64>, now: u64) {
        self.now = now;
        if matches!(self.phase, Phase::Orphaned(_)) {
            self.phase = Phase::Live;
            self.heard_at = now;
            self.early_stop = false;
            if parked {
                self.handle_parked(seen, now);
            }
            self.effects.push_back(Effect::Deliver);
        } else if self.book.current.is_none() {
            // A head start was opened, and it was not told.
            self.effects.push_back(Effect::End(Some(Cause::Evicted)));
        }
    }

    /// The run has ended by itself.
    pub fn handle_exit(&mut self, error: Option<&ExitError>, now: u64) {
        self.now = now;
        if self.book.current.is_none() {
            // What came before it was the end of the run.
            return;
        }
        let Some(error) = error else {
            let upgraded = self.book.successor.is_some();
            let cause = if upgraded { Cause::Upgraded } else { Cause::Exited };
            return self.over(cause, RunStatus::Completed, None, None);
        };
        let (cause, status) = match error.class {
            ExitClass::Crashed => (Cause::Crashed, RunStatus::Crashed),
            ExitClass::Failed => (Cause::Crashed, RunStatus::Failed),
            ExitClass::Oom => (Cause::Oom, RunStatus::Crashed),
        };
        // It may end up in a record, and is kept with the run.
        let end = error.message.floor_char_boundary(ERROR_MAX_BYTES);
        self.over(cause, status, Some(error.message[..end].to_owned()), None);
    }

    /// The run was lost with its worker.
    pub fn handle_lost(&mut self, cause: Cause, now: u64) {
        self.now = now;
        let text = format!("the worker was lost ({})", cause.as_str());
        self.over(cause, RunStatus::Crashed, Some(text), None);
    }

    /// The run is over, whatever the reason. `tell`: what the worker must hear.
    pub(super) fn over(
        &mut self,
        cause: Cause,
        status: RunStatus,
        error: Option<String>,
        tell: Option<Cause>,
    ) {
        let cut = self.is_cut();
        self.note_left(cause);
        self.clear_run(cause, status, error);
        self.effects.push_back(Effect::End(tell));
        if cut.is_some() {
            return self.give_up(cut);
        }
        let ops = [Some(self.book.put()), self.row.as_ref().map(RunRow::put)];
        self.effects.push_back(Effect::Commit(ops.into_iter().flatten().collect()));
        self.advance();
    }

    pub(super) fn clear_run(&mut self, cause: Cause, status: RunStatus, error: Option<String>) {
        self.phase = Phase::Idle;
        (self.parked, self.stuck_at) = (None, None);
        self.injected.clear();
        self.expect_stop();
        self.book.current = None;
        // A second out-of-memory end is a crash like any other.
        let again = cause == Cause::Oom && self.row.as_ref().is_some_and(|row| row.attempts > 1);
        self.book.cause = Some(if again { Cause::Crashed } else { cause });
        if let Some(row) = &mut self.row {
            (row.status, row.finished_at, row.error) = (status, Some(self.now), error);
        }
        if self.book.successor.is_some() || cause == Cause::Oom {
            self.book.wanted = true;
        }
    }

    pub(super) fn commit(&mut self, ops: Vec<Op>) {
        self.effects.push_back(Effect::Commit(ops));
    }
}
