//! When a connection is dialled. Pure: times and entropy are arguments.

use std::time::Duration;

use crate::link::Backoff;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Dials {
    is_dialing: bool,
    failures: u64,
    backoff: Backoff,
    not_before: Duration,
}

/// What who needs a connection has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Dial; how it ended is to be told.
    Dial,
    /// Wait for the dial that is under way.
    Wait,
    /// Come back then.
    WaitUntil(Duration),
}

impl Dials {
    pub(super) fn next(&mut self, now: Duration) -> Next {
        if self.is_dialing {
            return Next::Wait;
        }
        if now < self.not_before {
            return Next::WaitUntil(self.not_before);
        }
        self.is_dialing = true;
        Next::Dial
    }

    pub(super) fn handle_dialed(&mut self) {
        self.is_dialing = false;
    }

    pub(super) fn handle_failed(&mut self, entropy: u64, now: Duration) {
        self.is_dialing = false;
        self.failures += 1;
        self.not_before = now + self.backoff.next_full(entropy);
    }

    /// A connection ended that brought nothing: the next one is likely to fare no better.
    pub(super) fn handle_useless(&mut self, entropy: u64, now: Duration) {
        self.not_before = now + self.backoff.next_full(entropy);
    }

    /// A request was answered: the path is good.
    pub(super) fn handle_answered(&mut self) {
        self.backoff.reset();
    }

    /// Dials that failed, ever.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn one_dial_at_a_time_and_later_and_later() {
        let mut dials = Dials::default();
        assert_eq!(dials.next(MS), Next::Dial);
        assert_eq!(dials.next(MS), Next::Wait);
        dials.handle_failed(77, MS);
        assert_eq!((dials.next(MS), dials.failures()), (Next::Dial, 1));
        dials.handle_failed(77, MS);
        assert_eq!(dials.next(2 * MS), Next::WaitUntil(78 * MS));
        assert_eq!(dials.next(78 * MS), Next::Dial);
        dials.handle_failed(177, 78 * MS);
        assert_eq!(dials.next(78 * MS), Next::WaitUntil(255 * MS));
    }

    #[test]
    fn a_path_that_answers_is_dialled_at_once_when_it_ends() {
        let mut dials = Dials::default();
        for _ in 0..5 {
            assert_eq!(dials.next(MS), Next::Dial);
            dials.handle_dialed();
            dials.handle_answered();
            dials.handle_useless(99, MS);
        }
        assert_eq!(dials.next(MS), Next::Dial);
        dials.handle_dialed();
        dials.handle_useless(99, MS);
        assert_eq!(dials.next(MS), Next::WaitUntil(100 * MS));
        assert_eq!(dials.failures(), 0);
    }
}
