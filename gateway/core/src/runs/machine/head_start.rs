//! Head starts that server code makes (R-HDS-1 to R-HDS-9): opened by a create, handed over by an
//! input, given up by a stop, a skip or time.

use tidegate_protocol::control;
use tidegate_protocol::link::Cause;

use super::ending::append;
use super::owed::Owed;
use super::state::{Effect, Machine};
use crate::runs::book::{RunRow, RunStatus};
use crate::runs::opened::{Handed, HeadStart};
use crate::seams::store::{Fate, Op};

const SILENT: &str = "The first step of the answer did not come to its end.";
const SKIPPED: &str = "The first step of the answer failed.";
const NOT_TAKEN: &str = "The agent did not take the answer over in time.";
const CUT: &str = "The agent was lost in the middle of the answer.";
const LATE: &str = "no head start waits for it";

/// Where `.out` stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutState {
    /// Its tail.
    pub tail: u64,
    /// Timestamp of the newest record, Unix ms.
    pub written_at: u64,
    /// The newest record is an `error` chunk.
    pub erred: bool,
}

impl Machine {
    /// Where `.out` stands. Said before anything that may end a turn.
    pub fn note_out(&mut self, out: OutState) {
        self.out = out;
    }

    /// Stops from before, which hit nothing that comes now (I5).
    pub fn settle_stops(&mut self) {
        if self.is_answering() {
            return;
        }
        let stops = self.owed.extract_if(.., |_, owed| matches!(owed, Owed::Stop { .. }));
        for (seq, owed) in stops.collect::<Vec<_>>() {
            self.stop_idle(seq, &owed);
        }
    }

    /// A create opens a head start (R-HDS-9). The caller commits what belongs to it, and then calls
    /// [`Machine::handle_opened`].
    pub fn handle_open(&mut self, open: HeadStart, now: u64) -> Opening {
        self.now = now;
        if let Some(there) = &self.book.head_start {
            let same = there.handed.is_none() && there.message == open.message;
            return if same { Opening::Repeated } else { Opening::Refused };
        }
        if self.is_answering() {
            return Opening::Refused;
        }
        let mut ops = Vec::new();
        if self.book.current.is_some() {
            // It would not hear of the head start, whoever it is that it goes on with.
            self.clear_run(Cause::Evicted, RunStatus::Completed, None);
            self.effects.push_back(Effect::End(Some(Cause::Evicted)));
            ops.extend(self.row.as_ref().map(RunRow::put));
        }
        self.book.head_start = Some(HeadStart { first: self.book.turn == 0, ..open });
        self.book.left = false;
        self.renew_budget();
        if self.book.number > 0 {
            // A run of before may not know that it is over, and would answer what comes now.
            ops.push(append(vec![control::keep_alive()], true));
        }
        ops.push(self.book.put());
        Opening::Opened(ops)
    }

    /// What opened the head start is committed.
    pub fn handle_opened(&mut self, now: u64) {
        self.now = now;
        (self.heard_at, self.kept_alive_at) = (now, now);
        self.advance();
    }

    /// Does somebody make the first step of the running turn?
    pub(super) fn awaits_hand_over(&self) -> bool {
        self.book.head_start.as_ref().is_some_and(|open| open.handed.is_none())
    }

    /// A hand-over, or a skip.
    pub(super) fn hear_hand_over(&mut self, seq: u64, owed: Owed) {
        let (out, at) = (self.out.tail, self.now);
        // A stop may end its turn before it is read, and another step begin behind that.
        let answer = match &owed {
            Owed::HandOver { own_answer, .. } => own_answer.as_deref(),
            _ => None,
        };
        match &mut self.book.head_start {
            Some(open) if open.handed.is_none() && open.own_answer() == answer => {
                if let Owed::HandOver { is_final, .. } = owed {
                    open.handed = Some(Handed { seq, out, at, is_final });
                    self.owed.insert(seq, owed);
                    (self.heard_at, self.kept_alive_at) = (at, at);
                    let put = self.book.put();
                    self.commit(vec![put]);
                } else {
                    self.owed.insert(seq, owed);
                    self.give_head_start_up(Some(SKIPPED.to_owned()));
                }
            }
            // Seen before, and restored.
            Some(open) if open.handed.is_some_and(|handed| handed.seq == seq) => {
                self.owed.insert(seq, owed);
            }
            _ => self.reject_hand_over(seq),
        }
    }

    pub(super) fn reject_hand_over(&mut self, seq: u64) {
        let fate = Fate::Rejected { reason: LATE.to_owned() };
        self.commit(vec![Op::Settle(vec![(seq, fate)])]);
    }

    /// Hand-overs from before the restart, and stops that came before them.
    pub(super) fn restore_hand_overs(&mut self) {
        let found: Vec<_> = self.owed.extract_if(.., |_, owed| owed.is_hand_over()).collect();
        let stop = self.owed.iter().find(|(_, owed)| owed.is_of_turn()).map(|(seq, _)| *seq);
        let (before, behind): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(seq, _)| stop.is_none_or(|stop| *seq < stop));
        for (seq, owed) in before {
            self.hear_hand_over(seq, owed);
        }
        if stop.is_some() && self.awaits_hand_over() {
            self.give_head_start_up(None);
        }
        for (seq, owed) in behind {
            self.hear_hand_over(seq, owed);
        }
    }

    /// Ends the turn before anything was handed over, and the run that waits for it.
    pub(super) fn give_head_start_up(&mut self, text: Option<String>) {
        if self.book.current.is_some() {
            self.clear_run(Cause::Cancelled, RunStatus::Canceled, None);
            // It may be about to act on what it was handed, and nobody waits for that any more.
            self.effects.push_back(Effect::End(Some(Cause::Evicted)));
        }
        self.give_up(text);
    }

    /// When a head start in which nothing happens is given up, Unix ms: server code that falls
    /// silent, an agent that does not take over.
    pub(super) fn head_start_until(&self) -> Option<u64> {
        let open = self.book.head_start.as_ref()?;
        match (open.handed, &open.by_gateway) {
            (None, None) => Some(open.at.max(self.out.written_at) + open.wait_ms),
            // Nothing was shown: the agent is waited for like any other.
            (Some(_), _) if self.is_skip() => None,
            (Some(handed), _) if !self.is_taken() => Some(handed.at + open.wait_ms),
            _ => None,
        }
    }

    /// Gives a head start up in which nothing happens.
    pub(super) fn watch_head_start(&mut self) {
        if self.head_start_until().is_some_and(|at| at <= self.now) {
            let text = if self.awaits_hand_over() { SILENT } else { NOT_TAKEN };
            self.give_head_start_up(Some(text.to_owned()));
        }
    }

    /// Has a run written something behind the hand-over?
    pub(super) fn is_taken(&self) -> bool {
        let handed = self.book.head_start.as_ref().and_then(|open| open.handed);
        handed.is_some_and(|handed| self.out.tail > handed.out)
    }

    /// The gateway itself has put a record on `.out`: it is no sign that a run took the hand-over.
    pub(super) fn own_record(&mut self) {
        if let Some(HeadStart { handed: Some(handed), .. }) = &mut self.book.head_start {
            handed.out += 1;
        }
    }

    /// The run ended. If it had begun what was handed over, nobody else may: a tool may have run
    /// (R-HDS-7).
    pub(super) fn is_cut(&self) -> Option<String> {
        self.is_taken().then(|| CUT.to_owned())
    }
}

/// What became of a create that opens a head start.
#[derive(Clone, Debug)]
pub enum Opening {
    /// It is open once this is committed.
    Opened(Vec<Op>),
    /// It was open already.
    Repeated,
    /// A turn runs.
    Refused,
}
