//! How long data stays.

/// Retention rules of every stream (config `[retention]`). Data that a rule drops moves the
/// retention floor; the newest record of a stream is never dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Records older than this go, ms.
    pub ttl_ms: u64,
    /// Records kept per stream.
    pub records: u64,
    /// Metered bytes kept per stream.
    pub bytes: u64,
    /// Closed or expired sessions are deleted this long after, ms.
    pub closed_ttl_ms: u64,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY_MS: u64 = 24 * 3_600 * 1_000;
        Self {
            ttl_ms: 30 * DAY_MS,
            records: 1_000_000,
            bytes: 256 * 1024 * 1024,
            closed_ttl_ms: 30 * DAY_MS,
        }
    }
}
