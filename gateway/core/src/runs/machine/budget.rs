//! Whether another run follows, and when nothing more is tried (I7).

use tidegate_protocol::limits::{
    PRELOAD_GRACE_MS, RETRY_PAUSE_MS, RUN_ATTEMPTS_MAX, UPGRADE_SWAPS_MAX,
};
use tidegate_protocol::link::Cause;

use super::state::{Effect, Machine, Phase};

impl Machine {
    /// Goes on where nothing has to be waited for.
    pub(super) fn advance(&mut self) {
        if self.phase != Phase::Idle {
            return;
        }
        self.settle_leading();
        let idle = !self.is_answering() && !self.book.wanted;
        if idle || self.rests() {
            return;
        }
        if self.book.fruitless >= RUN_ATTEMPTS_MAX || self.book.swaps > UPGRADE_SWAPS_MAX {
            return self.spend();
        }
        // What the agent does, or what its workers die of, may happen again at once.
        let by_others = matches!(
            self.book.cause,
            Some(Cause::Upgraded | Cause::Evicted | Cause::GatewayRestarted)
        );
        if let Some(input) = self.head_start_input() {
            self.effects.push_back(Effect::BeginStep(input));
        }
        if self.has_head_start && !self.is_answering() && self.book.fruitless == 0 {
            // A message that comes right behind its session's create is no preload's.
            self.phase = Phase::Waiting(self.now + PRELOAD_GRACE_MS);
        } else if by_others || self.book.fruitless < 2 {
            self.phase = Phase::Placing;
            self.effects.push_back(Effect::Place);
        } else {
            self.phase = Phase::Waiting(self.now + RETRY_PAUSE_MS);
        }
    }

    /// A run that leaves while it waits for a hand-over, since it waits only for so long or makes
    /// room, is not missed before there is something for it, and was not in vain (R-HDS-27).
    pub(super) fn note_left(&mut self, cause: Cause) {
        if self.awaits_hand_over() && matches!(cause, Cause::Exited | Cause::Evicted) {
            self.book.left = true;
            self.book.fruitless = self.book.fruitless.saturating_sub(1);
        }
    }

    /// Is no run needed before the first step is over?
    pub(super) fn rests(&self) -> bool {
        self.book.left && self.awaits_hand_over()
    }

    /// The budget is used up (I7): whoever waits is told, and nothing more is tried for them.
    fn spend(&mut self) {
        (self.book.wanted, self.book.successor) = (false, None);
        if !self.is_answering() {
            let put = self.book.put();
            return self.commit(vec![put]);
        }
        let failed = self.row.as_ref().and_then(|row| row.error.as_deref());
        let text = match failed {
            _ if self.book.swaps > UPGRADE_SWAPS_MAX => {
                "The agent asked for an upgrade too many times.".to_owned()
            }
            Some(error) => format!("The agent failed {RUN_ATTEMPTS_MAX} times: {error}"),
            None => format!("The agent ended {RUN_ATTEMPTS_MAX} times without an answer."),
        };
        self.give_up(Some(text));
    }

    /// Something is asked for after a while: runs that had nothing to answer were not in vain.
    pub(super) fn renew_budget(&mut self) {
        let live = u32::from(self.book.current.is_some());
        if self.book.fruitless > live || self.book.swaps > 0 {
            (self.book.fruitless, self.book.swaps) = (live, 0);
            let put = self.book.put();
            self.commit(vec![put]);
        }
    }
}
