//! The store as one member of a [`MemoryFleet`](super::MemoryFleet) sees it: until it dies.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::seams::BoxFuture;
use tidegate_core::seams::store::{
    Commit, CommitError, CommitListener, Committed, Fate, Lease, LeaseError, LeaseRequest,
    ListPage, ListQuery, ReadLimit, StoreError, StreamState, StreamStore,
};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};

use super::fleet::MemoryNode;
use crate::open::ListenableStore;

/// A future of the store's, unless the member is dead.
macro_rules! pass {
    ($self:ident, $call:expr) => {
        match $self.alive() {
            Ok(()) => $call,
            Err(error) => Box::pin(std::future::ready(Err(error.into()))),
        }
    };
}

impl ListenableStore for MemoryNode {
    fn set_listener(&self, listener: Arc<dyn CommitListener>) {
        // A second one is ignored, as the trait says.
        let _ = self.me.commits.set(listener);
    }
}

impl StreamStore for MemoryNode {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, CommitError>> {
        pass!(self, self.store.commit(commit))
    }

    fn read(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Record>, StoreError>> {
        pass!(self, self.store.read(stream, from, limit))
    }

    fn state(&self, stream: &StreamId) -> BoxFuture<'_, Result<StreamState, StoreError>> {
        pass!(self, self.store.state(stream))
    }

    fn session(
        &self,
        key: &SessionKey,
    ) -> BoxFuture<'_, Result<Option<Arc<SessionRow>>, StoreError>> {
        pass!(self, self.store.session(key))
    }

    fn resolve(
        &self,
        environment: &str,
        id: &str,
    ) -> BoxFuture<'_, Result<Option<SessionKey>, StoreError>> {
        pass!(self, self.store.resolve(environment, id))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        pass!(self, self.store.list(query))
    }

    fn owed(&self, session: &SessionKey) -> BoxFuture<'_, Result<Vec<u64>, StoreError>> {
        pass!(self, self.store.owed(session))
    }

    fn fates(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Fate)>, StoreError>> {
        pass!(self, self.store.fates(session, from, limit))
    }

    fn blob(
        &self,
        session: &SessionKey,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        pass!(self, self.store.blob(session, name))
    }

    fn blobs(
        &self,
        session: &SessionKey,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(String, Bytes)>, StoreError>> {
        pass!(self, self.store.blobs(session, prefix, before, limit))
    }

    fn lease(
        &self,
        session: &SessionKey,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>> {
        pass!(self, self.store.lease(session, request))
    }

    fn sweep_owed(
        &self,
        after: Option<SessionKey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        pass!(self, self.store.sweep_owed(after, limit))
    }

    fn sweep_expired(
        &self,
        now: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        pass!(self, self.store.sweep_expired(now, limit))
    }

    fn delete(&self, session: &SessionKey) -> BoxFuture<'_, Result<(), StoreError>> {
        pass!(self, self.store.delete(session))
    }

    fn enforce_retention(&self, now: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        pass!(self, self.store.enforce_retention(now))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(self.alive()))
    }
}
