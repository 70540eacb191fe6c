//! Runs that wait for input, and leave if somebody needs their place (R-LNK-18, R-LNK-27).

use super::state::{Effect, Machine, Phase};

/// How long a run that leaves may take.
const LEAVE_MS: u64 = 10_000;
/// How long a parked run may leave an input unanswered that it has seen.
const STUCK_MS: u64 = 1_000;

impl Machine {
    /// The run waits for input and has seen `.in` up to `seen`.
    pub fn handle_parked(&mut self, seen: Option<u64>, now: u64) {
        self.now = now;
        if self.book.current.is_none() {
            // What it has seen was its end, and the next run is not parked.
            return;
        }
        self.parked = Some(seen);
        let first = self.owed.iter().find(|(_, owed)| owed.is_answer()).map(|(seq, _)| *seq);
        let left = match &self.book.head_start {
            // What else it has seen it answers afterwards.
            Some(open) => open.handed.is_some_and(|handed| Some(handed.seq) <= seen),
            None => self.book.initial || first.is_some_and(|seq| Some(seq) <= seen),
        };
        self.stuck_at = left.then_some(now + STUCK_MS);
    }

    /// The run works again. If it was asked to leave, input was on its way to it: it may end that
    /// turn in its own time (R-LNK-27).
    pub fn handle_unparked(&mut self, now: u64) {
        self.now = now;
        (self.parked, self.stuck_at) = (None, None);
        if self.is_evicted() {
            self.phase = Phase::Live;
            self.heard_at = now;
        }
    }

    /// The worker is on a new link: what it was told last may be lost.
    pub fn handle_resumed(&mut self) {
        if self.is_evicted() {
            self.effects.push_back(Effect::Evict);
        }
    }

    fn is_evicted(&self) -> bool {
        matches!(self.phase, Phase::Leaving(_)) && self.book.successor.is_none()
    }

    /// Somebody needs the room of the parked run.
    pub fn handle_evict(&mut self, now: u64) {
        self.now = now;
        if self.phase == Phase::Live && self.parked.is_some() {
            self.phase = Phase::Leaving(now + LEAVE_MS);
            self.effects.push_back(Effect::Evict);
        }
    }
}
