//! Bounds of a read, and where a stream stands.

/// Bounds of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// Most records.
    pub records: usize,
    /// Most bytes, metered.
    pub bytes: usize,
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// Incarnation; a new one starts where committed data was lost or the session was re-created.
    pub epoch: u64,
    /// Seq that the next record will get.
    pub tail: u64,
    /// First seq of this epoch.
    pub base: u64,
    /// First seq that still has data.
    pub retention_floor: u64,
    /// Where cursor-less reads start; at least the retention floor.
    pub replay_floor: u64,
    /// Metered bytes held.
    pub bytes: u64,
    /// Timestamp of the newest record, Unix ms.
    pub last_timestamp: u64,
    /// The session's fence.
    pub fence: u64,
    /// How often the session was handed over.
    pub handovers: u64,
}
