//! The servers' time: gateways whose own clocks differ agree on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use redis::{FromRedisValue, Value};
use tidegate_core::seams::Clock;

/// The local clock, corrected by what a server's clock was ahead of it.
#[derive(Debug)]
pub(super) struct ServerClock {
    local: Arc<dyn Clock>,
    ahead_ms: AtomicI64,
}

impl ServerClock {
    pub(super) fn new(local: Arc<dyn Clock>) -> Self {
        Self { local, ahead_ms: AtomicI64::new(0) }
    }

    pub(super) fn local_millis(&self) -> u64 {
        self.local.unix_millis()
    }

    /// Takes over the answer to `TIME`, which was asked for at `before` and was there at `after`.
    pub(super) fn set(&self, time: Value, before: u64, after: u64) {
        let Ok((seconds, micros)) = <(u64, u64)>::from_redis_value(time) else { return };
        let server = seconds.saturating_mul(1_000) + micros / 1_000;
        let local = before + after.saturating_sub(before) / 2;
        self.ahead_ms.store(server.wrapping_sub(local).cast_signed(), Ordering::Relaxed);
    }
}

impl Clock for ServerClock {
    fn unix_millis(&self) -> u64 {
        self.local.unix_millis().saturating_add_signed(self.ahead_ms.load(Ordering::Relaxed))
    }
}
