//! The store in memory behind the seam.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use tidegate_core::seams::store::{
    Commit, CommitError, CommitListener, Committed, Fate, Lease, LeaseError, LeaseRequest,
    ListPage, ListQuery, ReadLimit, Retention, StoreError, StreamState, StreamStore,
};
use tidegate_core::seams::{BoxFuture, Clock};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};

use super::commit::{self, Effects};
use super::index::Index;
use super::session::Session;
use super::shards::Shards;
use crate::listing::filter::matches;
use crate::listing::page::page;
use crate::open::ListenableStore;
use crate::rules::read::Reader;

/// Streams, rows, blobs and leases in memory.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    retention: Retention,
    listener: OnceLock<Arc<dyn CommitListener>>,
    shards: Shards,
    index: Mutex<Index>,
    closed: AtomicBool,
}

impl MemoryStore {
    /// An empty store. The listener is called under the lock of its session, so it must not call
    /// the store; it can also be set later ([`ListenableStore::set_listener`]).
    pub fn new(
        clock: Arc<dyn Clock>,
        retention: Retention,
        listener: Option<Arc<dyn CommitListener>>,
    ) -> Self {
        Self {
            clock,
            retention,
            listener: listener.map_or_else(OnceLock::new, OnceLock::from),
            shards: Shards::new(),
            index: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    fn check_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(()) }
    }

    fn commit_now(&self, commit: Commit) -> Result<Committed, CommitError> {
        let mut shard = self.shards.lock(&commit.session);
        self.check_open()?;
        let now = self.clock.unix_millis();
        let effects = Effects { index: &self.index, listener: self.listener.get() };
        commit::commit(&mut shard, commit, now, &effects)
    }

    /// What `get` finds in a session, or the default where there is no such session.
    fn within<T: Default>(
        &self,
        key: &SessionKey,
        get: impl FnOnce(&Session) -> T,
    ) -> Result<T, StoreError> {
        self.check_open()?;
        Ok(self.shards.lock(key).get(key).map(get).unwrap_or_default())
    }

    /// For a fleet: changes the state of a session.
    #[cfg(any(test, feature = "contract"))]
    pub(super) fn with_state<T>(
        &self,
        key: &SessionKey,
        change: impl FnOnce(&mut crate::rules::session::SessionState<super::batches::Batches>) -> T,
    ) -> Result<T, StoreError> {
        let mut shard = self.shards.lock(key);
        self.check_open()?;
        Ok(change(&mut shard.entry(key.clone()).or_default().state))
    }

    fn read_now(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, StoreError> {
        self.within(&stream.session, |session| {
            let mut reader = Reader::new(limit);
            if let Some(stream) = session.state.streams.get(&stream.channel) {
                let mut records = stream.data.from(from.max(stream.head.retention_floor));
                while records.next().is_some_and(|record| reader.take(record)) {}
            }
            reader.records
        })
    }

    fn list_now(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        self.check_open()?;
        if let Some(external_id) = &query.external_id {
            let key = SessionKey::new(&query.environment, external_id);
            let row = self.within(&key, |session| session.row.clone())?;
            let row = row.filter(|row| matches(query, row));
            let rows = row.iter().map(|row| (**row).clone()).collect();
            return Ok(ListPage { rows, ..ListPage::default() });
        }
        match self.index.lock().environment(&query.environment) {
            Some(environment) => page(query, environment),
            None => page(query, &super::index::Environment::default()),
        }
    }

    fn lease_now(&self, key: &SessionKey, request: LeaseRequest) -> Result<Lease, LeaseError> {
        self.check_open()?;
        let now = self.clock.unix_millis();
        let mut shard = self.shards.lock(key);
        let session = shard.entry(key.clone()).or_default();
        Ok(session.state.lease(request, now)?.lease)
    }

    fn sweep_owed_now(
        &self,
        mut after: Option<SessionKey>,
        limit: usize,
    ) -> Result<Vec<SessionKey>, StoreError> {
        self.check_open()?;
        let now = self.clock.unix_millis();
        let mut found = Vec::new();
        while found.len() < limit {
            let candidates = self.index.lock().owed(after.as_ref(), limit);
            let Some(last) = candidates.last() else { break };
            after = Some(last.clone());
            let free = |key: &SessionKey| {
                self.shards.lock(key).get(key).is_some_and(|s| !s.state.is_leased(now))
            };
            found.extend(candidates.into_iter().filter(free));
        }
        found.truncate(limit);
        Ok(found)
    }

    fn delete_now(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.check_open()?;
        let mut shard = self.shards.lock(key);
        let Some(session) = shard.get_mut(key) else { return Ok(()) };
        let tombstone = Session { state: session.state.tombstone(), ..Session::default() };
        let old = std::mem::replace(session, tombstone);
        let mut index = self.index.lock();
        index.put(key, old.row.as_deref(), None);
        index.set_owed(key, false);
        Ok(())
    }

    fn enforce_now(&self, now: u64) -> Result<u64, StoreError> {
        self.check_open()?;
        let mut dropped = 0;
        for mut shard in self.shards.each() {
            let sessions = shard.values_mut();
            dropped += sessions.map(|session| session.enforce(&self.retention, now)).sum::<u64>();
        }
        Ok(dropped)
    }

    fn blobs_now(
        &self,
        key: &SessionKey,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.within(key, |session| {
            let named = session.blobs.iter().rev();
            let wanted = named.filter(|(name, _)| {
                name.starts_with(prefix) && before.is_none_or(|before| name.as_str() < before)
            });
            wanted.take(limit).map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
        })
    }
}

impl ListenableStore for MemoryStore {
    fn set_listener(&self, listener: Arc<dyn CommitListener>) {
        // A second one is ignored, as the trait says.
        let _ = self.listener.set(listener);
    }
}

impl StreamStore for MemoryStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move { self.commit_now(commit) })
    }

    fn read(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Record>, StoreError>> {
        ready(self.read_now(stream, from, limit))
    }

    fn state(&self, stream: &StreamId) -> BoxFuture<'_, Result<StreamState, StoreError>> {
        ready(self.within(&stream.session, |s| s.state.stream_state(&stream.channel)))
    }

    fn session(
        &self,
        key: &SessionKey,
    ) -> BoxFuture<'_, Result<Option<Arc<SessionRow>>, StoreError>> {
        ready(self.within(key, |session| session.row.clone()))
    }

    fn resolve(
        &self,
        environment: &str,
        id: &str,
    ) -> BoxFuture<'_, Result<Option<SessionKey>, StoreError>> {
        ready(self.check_open().map(|()| {
            self.index.lock().environment(environment).and_then(|e| e.by_id(id)).cloned()
        }))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        ready(self.list_now(&query))
    }

    fn owed(&self, session: &SessionKey) -> BoxFuture<'_, Result<Vec<u64>, StoreError>> {
        ready(self.within(session, |session| session.state.owed.iter().copied().collect()))
    }

    fn fates(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Fate)>, StoreError>> {
        ready(self.within(session, |session| {
            let fates = session.fates.range(from..).take(limit);
            fates.map(|(seq, fate)| (*seq, fate.clone())).collect()
        }))
    }

    fn blob(
        &self,
        session: &SessionKey,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        ready(self.within(session, |session| session.blobs.get(name).cloned()))
    }

    fn blobs(
        &self,
        session: &SessionKey,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(String, Bytes)>, StoreError>> {
        ready(self.blobs_now(session, prefix, before, limit))
    }

    fn lease(
        &self,
        session: &SessionKey,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>> {
        let session = session.clone();
        Box::pin(async move { self.lease_now(&session, request) })
    }

    fn sweep_owed(
        &self,
        after: Option<SessionKey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        ready(self.sweep_owed_now(after, limit))
    }

    fn sweep_expired(
        &self,
        now: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        let over = |()| self.index.lock().over(now, self.retention.closed_ttl_ms, limit);
        ready(self.check_open().map(over))
    }

    fn delete(&self, session: &SessionKey) -> BoxFuture<'_, Result<(), StoreError>> {
        let session = session.clone();
        Box::pin(async move { self.delete_now(&session) })
    }

    fn enforce_retention(&self, now: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { self.enforce_now(now) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let was_closed = self.closed.swap(true, Ordering::AcqRel);
            if was_closed { Err(StoreError::Closed) } else { Ok(()) }
        })
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}
