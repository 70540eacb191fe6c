//! Pauses between attempts.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tidegate_protocol::limits::REDIS_BACKOFF_MAX_MS;

/// Doubles from 10 ms up to the limit; each pause is between half and all of that, so that gateways
/// do not come back in step.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        let full = (10 << self.0.min(10)).min(REDIS_BACKOFF_MAX_MS);
        self.0 += 1;
        let random = RandomState::new().hash_one(self.0);
        Duration::from_millis(full / 2 + random % (full / 2 + 1))
    }

    pub(super) fn reset(&mut self) {
        self.0 = 0;
    }
}
