//! Leases: who may write as a session's run.

use super::StoreError;

/// Lease of a session: the right to write as its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub holder: String,
    /// Fencing token.
    pub fence: u64,
    /// Unix ms at which it ends unless renewed.
    pub until: u64,
}

/// What to do with a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseRequest {
    /// Take it if it is free, expired, or already the holder's (which renews it, same fence).
    Take {
        /// Who asks.
        holder: String,
        /// For how long, ms.
        ttl_ms: u64,
    },
    /// Give it up if `holder` has it.
    Release {
        /// Who gives it up.
        holder: String,
    },
}

/// Why a lease was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another holder has it.
    #[error("held by {holder} until {until}")]
    Held {
        /// Who.
        holder: String,
        /// Unix ms.
        until: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
