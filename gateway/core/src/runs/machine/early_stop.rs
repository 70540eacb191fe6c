//! Stops that a run could not hear yet (R-RUNS-11).

use super::owed::Owed;
use super::state::{Effect, Machine, Phase};

impl Machine {
    /// A stop that the run before may not have heard holds for the turn's next try (R-RUNS-11).
    pub(super) fn expect_stop(&mut self) {
        self.early_stop |= self.owes_stop();
    }

    /// Does the live run hear a stop? One that boots listens already, but is in no turn: it drops
    /// it.
    pub(super) fn hears(&self) -> bool {
        let live = matches!(self.phase, Phase::Live | Phase::Leaving(_));
        live && self.out.tail > self.out_at_boot
    }

    /// A stop that is owed and may not have been heard: once the turn shows itself.
    pub fn handle_activity(&mut self, now: u64) {
        self.heard_at = now;
        if std::mem::take(&mut self.early_stop) && self.owes_stop() {
            self.effects.push_back(Effect::StopAgain);
        }
    }

    /// Does somebody have to say when the turn shows itself?
    pub fn awaits_activity(&self) -> bool {
        self.early_stop && self.owes_stop()
    }

    fn owes_stop(&self) -> bool {
        self.owed.values().any(|owed| matches!(owed, Owed::Stop { .. }))
    }
}
