//! The store seam (design §4): one contract for memory, disk and Redis.
//!
//! Everything that must happen together is one [`Commit`]: all of its operations take effect in
//! one atomic step, or none does. A record is visible to [`StreamStore::read`] and to the
//! [`CommitListener`] only once it is committed in the store's honest sense (I1).

use std::sync::Arc;

use bytes::Bytes;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};

use super::{
    Commit, CommitError, Committed, Fate, Lease, LeaseError, LeaseRequest, ListPage, ListQuery,
    ReadLimit, StoreError, StreamState,
};
use crate::seams::BoxFuture;
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

    /// A session's row as it was a moment ago, for a commit that expects it ([`Op::ExpectRow`]). A
    /// store that is far away keeps rows at hand for this; a commit that finds the row changed lets
    /// the kept one go.
    ///
    /// [`Op::ExpectRow`]: super::Op::ExpectRow
    fn recall(
        &self,
        key: &SessionKey,
    ) -> BoxFuture<'_, Result<Option<Arc<SessionRow>>, StoreError>> {
        self.session(key)
    }

    /// While what it gives lives, the listener hears of records that other processes commit to
    /// `stream` too. `None` where there are no others.
    fn watch(&self, stream: &StreamId) -> Option<Box<dyn Watch>> {
        let _ = stream;
        None
    }

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

/// A stream that is kept in sight; dropping it ends that.
pub trait Watch: Send + Sync + std::fmt::Debug {}

/// Told about every committed batch, in order within a stream, on the committing thread: it must
/// not block. It is a hint: a listener that misses one still finds the records by reading.
pub trait CommitListener: Send + Sync + std::fmt::Debug + 'static {
    /// `records` became visible; they are dense and start at the stream's old tail, unless the
    /// stream started a new epoch.
    fn committed(&self, stream: &StreamId, records: &Arc<[Record]>);
}
