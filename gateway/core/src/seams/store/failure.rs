//! Why a store refuses or fails.

/// Why a commit was refused or failed. Nothing of it was kept, unless stated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A write under an older fence, or by a guest after hand-over.
    #[error("the writer was fenced off: the fence is {current}")]
    Fenced {
        /// The fence in force.
        current: u64,
    },
    /// The row changed since it was read.
    #[error("the session's row changed: its version is {current:?}")]
    RowChanged {
        /// The version in force.
        current: Option<u64>,
    },
    /// Another gateway serves the session by now.
    #[error("the session is served in term {current}")]
    Displaced {
        /// The term in force.
        current: u64,
    },
    /// A record is over the limit.
    #[error("a record of {bytes} bytes is over the limit")]
    RecordTooLarge {
        /// Its metered size.
        bytes: usize,
    },
    /// The session owes too much.
    #[error("the session owes {owed} inputs already")]
    TooManyOwed {
        /// How many.
        owed: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It can't be read or written now (disk full, I/O error, connection lost).
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Stored data can't be understood.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    /// A listing cursor that this store did not make.
    #[error("not a cursor of this listing")]
    BadCursor,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}
