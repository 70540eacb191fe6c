//! Runs that take over less than the first step was made for (R-HDS-26).

use super::state::{Effect, Machine, Phase};
use crate::agents::TakesOver;
use crate::head_start::CANT_GO_ON;

impl Machine {
    /// The run that is about to begin takes over `takes`. Answers whether it begins; it is handed
    /// nothing that it can't go on from.
    pub fn handle_takes(&mut self, takes: Option<&TakesOver>, now: u64) -> bool {
        self.now = now;
        let Some(step) = &self.first_step else { return true };
        if self.is_taken() || takes.is_some_and(|takes| step.fits(takes)) {
            return true;
        }
        if self.is_skip() {
            // Nothing was shown: this run makes the answer.
            self.effects.push_back(Effect::CancelStep);
            self.drop_first_step();
            return true;
        }
        self.phase = Phase::Idle;
        self.give_up(Some(CANT_GO_ON.to_owned()));
        false
    }

    /// The turn goes on as if there had been no head start.
    fn drop_first_step(&mut self) {
        self.first_step = None;
        let handed = self.book.head_start.take().and_then(|open| open.handed);
        let put = self.book.put();
        self.commit(vec![put]);
        if let Some(handed) = handed {
            self.owed.remove(&handed.seq);
            self.reject_hand_over(handed.seq);
        }
    }
}
