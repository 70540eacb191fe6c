//! What to do, and what was seen.

use std::time::Duration;

use serde::Serialize;

use crate::load::Latency;

/// What to do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TurnPlan {
    /// Sessions, each with a turn running at any moment.
    pub sessions: u32,
    /// Chunks a second of each turn.
    pub rate: u32,
    /// Text deltas of a turn.
    pub chunks: u32,
    /// Seconds that count.
    pub seconds: u32,
}

impl TurnPlan {
    /// How long the backend takes for a turn.
    pub(super) fn turn(&self) -> Duration {
        self.period() * self.chunks
    }

    /// Between two chunks.
    pub(super) fn period(&self) -> Duration {
        Duration::from_secs(1) / self.rate
    }
}

/// What was seen. The latencies include what the loopback and the generator take.
#[derive(Clone, Debug, Serialize)]
pub struct Turns {
    /// Sessions with a turn running.
    pub sessions: u32,
    /// Turns that were completed.
    pub turns: u64,
    /// Text deltas a second that reached the client.
    pub delivered_per_second: f64,
    /// From sending the message to the backend having the request.
    pub request_ms: Latency,
    /// From the backend writing its first chunk to the client having parsed it.
    pub first_chunk_ms: Latency,
    /// The same of every other chunk.
    pub chunk_ms: Latency,
    /// Chunks that never came.
    pub lost: u64,
    /// Chunks that came again.
    pub duplicated: u64,
    /// Chunks out of order.
    pub reordered: u64,
    /// Turns without a boundary, or boundaries without a turn.
    pub boundaries_wrong: u64,
    /// CPU seconds of the target for a million delivered chunks.
    pub cpu_s_per_million: f64,
    /// Cores that the target used.
    pub target_util: f64,
    /// Cores that the generator used.
    pub generator_util: f64,
    /// Resident bytes of the target at the end.
    pub rss_bytes: u64,
}
