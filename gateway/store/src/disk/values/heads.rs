//! Heads of sessions and streams, as stored: JSON, since they change rarely and may grow.

use serde::{Deserialize, Serialize};

/// Head of a session. A deleted session's stays, without a number and a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionHead {
    /// Number under which the session's data is stored.
    pub(crate) number: Option<u64>,
    /// Epoch of its streams.
    pub(crate) epoch: u64,
    /// First seq of its streams.
    pub(crate) base: u64,
    /// Fence in force.
    pub(crate) fence: u64,
    /// Hand-overs so far.
    pub(crate) handovers: u64,
    /// Holder and end (Unix ms) of the lease.
    pub(crate) lease: Option<(String, u64)>,
}

/// Head of a stream. Where its tail is, its newest batch tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredStream {
    /// Number under which its batches are stored.
    pub(crate) number: u64,
    /// First seq that still has data.
    pub(crate) retention_floor: u64,
    /// Metered bytes of all records below the retention floor.
    pub(crate) total_before_floor: u64,
    /// Where cursor-less reads start.
    pub(crate) replay_floor: u64,
}
