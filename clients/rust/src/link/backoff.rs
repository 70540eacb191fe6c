//! When to try again. Pure: entropy is an argument.

use std::time::Duration;

const FIRST_MS: u64 = 100;
const LAST_MS: u64 = 5_000;

/// Waits that grow: none before the first try, then doubling to five seconds, with jitter.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// How long a worker waits before the next try; half of it is jitter.
    pub(crate) fn next(&mut self, entropy: u64) -> Duration {
        let most = self.most();
        Duration::from_millis(most / 2 + entropy % (most / 2 + 1))
    }

    /// How long a client waits before the next try; all of it is jitter, as there are many.
    pub(crate) fn next_full(&mut self, entropy: u64) -> Duration {
        Duration::from_millis(entropy % (self.most() + 1))
    }

    /// The connection was good: the next try is a first one.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    fn most(&mut self) -> u64 {
        let tries = self.tries;
        self.tries = tries.saturating_add(1);
        match tries {
            0 => 0,
            _ => FIRST_MS.saturating_mul(1 << (tries - 1).min(16)).min(LAST_MS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_once_then_longer_and_never_over_five_seconds() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(7), Duration::ZERO);
        let waits: Vec<_> = (0..40).map(|_| backoff.next(u64::MAX)).collect();
        assert!(waits[0] >= Duration::from_millis(50) && waits[0] <= Duration::from_millis(100));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(5)));
        assert!(waits[39] >= Duration::from_millis(2_500));
        backoff.reset();
        assert_eq!(backoff.next(7), Duration::ZERO);
    }

    #[test]
    fn full_jitter_is_anything_up_to_the_same_bounds() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next_full(7), Duration::ZERO);
        assert_eq!(backoff.next_full(100), Duration::from_millis(100));
        assert_eq!(backoff.next_full(201), Duration::ZERO);
        assert_eq!(backoff.next_full(399), Duration::from_millis(399));
    }
}
