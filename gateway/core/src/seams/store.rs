//! The store seam (design §4): one contract for memory, disk and Redis.
//!
//! Everything that must happen together is one [`Commit`]: all of its operations take effect in
//! one atomic step, or none does. A record is visible to [`StreamStore::read`] and to the
//! [`CommitListener`] only once it is committed in the store's honest sense (I1).

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::{NewRecord, Record};

use super::BoxFuture;
use crate::sessions::row::SessionRow;

/// Durable streams, session rows, blobs and leases of sessions.
pub trait StreamStore: Send + Sync + std::fmt::Debug + 'static {
    /// Applies all operations of `commit` atomically and answers once they are durable.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, CommitError>>;

    /// Records from `from` on (inclusive), oldest first, never past `committed`; `from` below the
    /// retention floor is clamped forward. Empty at the tail. At least one record is given if one
    /// exists, whatever its size.
    fn read(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Record>, StoreError>>;

    /// Where a stream stands. A stream that was never written has the default state.
    fn state(&self, stream: &StreamId) -> BoxFuture<'_, Result<StreamState, StoreError>>;

    /// A session's row, shared: every append looks at it.
    fn session(
        &self,
        key: &SessionKey,
    ) -> BoxFuture<'_, Result<Option<Arc<SessionRow>>, StoreError>>;

    /// The key of the session with this friendly id.
    fn resolve(
        &self,
        environment: &str,
        id: &str,
    ) -> BoxFuture<'_, Result<Option<SessionKey>, StoreError>>;

    /// Sessions of an environment, newest first.
    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<ListPage, StoreError>>;

    /// `.in` seqs of a session that have no fate yet, ascending.
    fn owed(&self, session: &SessionKey) -> BoxFuture<'_, Result<Vec<u64>, StoreError>>;

    /// Fates of `.in` records from `from` on, ascending, at most `limit`; records without a fate
    /// (still owed) are left out.
    fn fates(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Fate)>, StoreError>>;

    /// One blob.
    fn blob(
        &self,
        session: &SessionKey,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;

    /// Blobs whose names start with `prefix` and sort before `before` (all if `None`), **newest
    /// name first**, at most `limit`.
    fn blobs(
        &self,
        session: &SessionKey,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(String, Bytes)>, StoreError>>;

    /// Takes, renews or gives up the lease of a session. Taking it bumps the fence.
    fn lease(
        &self,
        session: &SessionKey,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>>;

    /// Sessions with something owed and no live lease: at most `limit`, after `after`.
    fn sweep_owed(
        &self,
        after: Option<SessionKey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>>;

    /// Sessions whose `expiresAt` or retention has passed at `now` (Unix ms), at most `limit`.
    fn sweep_expired(
        &self,
        now: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>>;

    /// Drops a session with all that belongs to it. What remains is its streams' next epoch, so
    /// that a session of the same name never reuses a `seq_num`.
    fn delete(&self, session: &SessionKey) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Drops records that retention no longer keeps, down to the rules' bounds, in every stream.
    /// Returns how many were dropped.
    fn enforce_retention(&self, now: u64) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Makes everything durable and stops; later calls fail with [`StoreError::Closed`].
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Told about every committed batch, in order within a stream, on the committing thread: it must
/// not block. It is a hint: a listener that misses one still finds the records by reading.
pub trait CommitListener: Send + Sync + std::fmt::Debug + 'static {
    /// `records` became visible; they are dense and start at the stream's old tail, unless the
    /// stream started a new epoch.
    fn committed(&self, stream: &StreamId, records: &Arc<[Record]>);
}

/// One atomic step in one session.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The session.
    pub session: SessionKey,
    /// Applied in order; the first that can't be applied fails the whole commit.
    pub ops: Vec<Op>,
}

/// One operation of a [`Commit`].
#[derive(Clone, Debug)]
pub enum Op {
    /// Appends records to a channel.
    Append(Append),
    /// Records fates and clears what was owed (I2).
    Settle(Vec<(u64, Fate)>),
    /// Moves a floor forward; moving it back does nothing.
    Trim {
        /// The channel.
        channel: Channel,
        /// Which floor.
        floor: Floor,
        /// First seq that stays.
        before: u64,
    },
    /// Writes a blob.
    PutBlob {
        /// Sorts among its siblings by bytes.
        name: String,
        /// Content.
        bytes: Bytes,
    },
    /// Deletes every blob whose name starts with `prefix` and is at or after `from`.
    DeleteBlobs {
        /// Name prefix.
        prefix: String,
        /// First name that is deleted.
        from: String,
    },
    /// Writes the session's row if its stored version is still `expected` (`None`: no row yet).
    PutRow {
        /// `SessionRow::version` that was read.
        expected: Option<u64>,
        /// The row; the store stores it with version `expected + 1` (or 1).
        row: Box<SessionRow>,
    },
    /// Ends the time of guest writers (I4).
    HandOver,
}

/// Appends records to one channel.
#[derive(Clone, Debug)]
pub struct Append {
    /// The channel.
    pub channel: Channel,
    /// Who writes (I4).
    pub writer: Writer,
    /// Recognises a repeated frame: its first answer is given again, nothing is written, and the
    /// commit's other operations are skipped.
    pub frame_key: Option<String>,
    /// At least one.
    pub records: Vec<NewRecord>,
    /// Marks each record owed until it is settled.
    pub owed: bool,
}

/// Writer classes (I4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A run, fenced by the token of its lease.
    Run {
        /// [`Lease::fence`].
        fence: u64,
    },
    /// Server code with write credentials, valid until hand-over.
    Guest {
        /// [`StreamState::handovers`] when the credentials were given.
        handovers: u64,
    },
    /// The gateway itself; `bump` raises the fence first, so that the run it replaces is cut off.
    Gateway {
        /// Raise the fence.
        bump: bool,
    },
    /// A client on `.in` and side channels, or server code that holds the secret key: not fenced.
    Client,
}

/// Which floor a trim moves (I1, readers get a view).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// Where cursor-less reads start.
    Replay,
    /// Below it there is no data any more.
    Retention,
}

/// What became of an input (I2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// It asked for turn `turn`.
    Answered {
        /// Turn number, from 1.
        turn: u64,
    },
    /// It was handed to a running turn (steering).
    Injected {
        /// Turn number.
        turn: u64,
    },
    /// A stop, handover or close took effect; `turn` is the one it hit.
    Applied {
        /// Turn number, if one ran.
        turn: Option<u64>,
    },
    /// A later input took its place.
    Superseded {
        /// `.in` seq of the successor.
        by: u64,
    },
    /// It was refused.
    Rejected {
        /// Why, for a person.
        reason: String,
    },
    /// The session expired first.
    Expired,
    /// Opaque to the gateway.
    Consumed,
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// One per [`Op::Append`], in order.
    pub appends: Vec<Appended>,
}

/// Where records landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Epoch of the stream.
    pub epoch: u64,
    /// Seq of the first record.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Timestamp of the records, Unix ms.
    pub timestamp: u64,
    /// The frame was known: this is its first answer.
    pub repeated: bool,
}

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

/// Filters and page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Environment name.
    pub environment: String,
    /// Any of these types; empty is all. The same for the other lists.
    pub types: Vec<String>,
    /// Any of these tags.
    pub tags: Vec<String>,
    /// Any of these agents.
    pub agents: Vec<String>,
    /// Any of these states.
    pub statuses: Vec<Status>,
    /// This external id.
    pub external_id: Option<String>,
    /// Created at or after, Unix ms.
    pub created_from: Option<u64>,
    /// Created at or before, Unix ms.
    pub created_to: Option<u64>,
    /// Now, Unix ms: what decides EXPIRED.
    pub now: u64,
    /// Most sessions on the page.
    pub size: usize,
    /// Where the page starts.
    pub position: Position,
}

/// Where a page of a listing starts. Cursors are opaque to callers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// The newest.
    #[default]
    Start,
    /// After this cursor (older).
    After(String),
    /// Before this cursor (newer).
    Before(String),
}

/// State of a session, as listings filter it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Takes input.
    Active,
    /// Was closed.
    Closed,
    /// Its `expiresAt` passed and it was not closed.
    Expired,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPage {
    /// Newest first.
    pub rows: Vec<SessionRow>,
    /// Cursor of the older page.
    pub next: Option<String>,
    /// Cursor of the newer page.
    pub previous: Option<String>,
}

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
