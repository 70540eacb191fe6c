//! The Redis store behind the seam.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures_util::future::try_join_all;
use parking_lot::Mutex;
use redis::Value;
use tidegate_core::seams::store::{
    Commit, CommitError, CommitListener, Committed, Fate, Lease, LeaseError, LeaseRequest,
    ListPage, ListQuery, ReadLimit, Retention, StoreError, StreamState, StreamStore, Watch,
};
use tidegate_core::seams::{BoxFuture, Clock};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};

use super::connect::{Call, Connection, RedisUrl, Reply, Script, Served, Subscriber};
use super::fleet::Members;
use super::keys::Home;
use super::known::Known;
use super::recall::Rows;
use super::schema::check_schema;
use super::scripts::Scripts;
use super::sweeps::ENVIRONMENTS;
use super::tell::Teller;
use super::value::unavailable;
use super::watch::{Hints, Watched, poll};
use crate::open::{ListenableStore, OpenError};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// Longest life of a key: a hundred years.
const SPAN_MAX_MS: u64 = 36_500 * DAY_MS;

/// Whose time counts.
#[derive(Clone, Debug)]
pub enum StoreTime {
    /// The servers'.
    Server,
    /// This clock's: tests set it.
    Clock(Arc<dyn Clock>),
}

/// Streams, rows, blobs and leases in Redis or Valkey.
#[derive(Debug)]
pub struct RedisStore {
    pub(super) shared: Arc<Shared>,
}

/// What the store and its background tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) connection: Connection,
    pub(super) scripts: Scripts,
    pub(super) retention: Retention,
    pub(super) time: StoreTime,
    /// Name of this process, which no other has.
    pub(super) node: String,
    pub(super) teller: Teller,
    pub(super) known: Known,
    /// Tails that replicas have, where the URL says `wait`.
    pub(super) replicated: Known,
    pub(super) rows: Rows,
    pub(super) lost: AtomicU64,
    pub(super) watched: Watched,
    pub(super) subscriber: Subscriber,
    pub(super) members: Members,
    /// With whom each was noted.
    environments: Mutex<HashMap<String, Served>>,
    closed: AtomicBool,
}

impl RedisStore {
    /// Connects to the servers at `url`. `clock` is the process's own, for timeouts.
    pub async fn open(
        url: RedisUrl,
        time: StoreTime,
        clock: Arc<dyn Clock>,
        retention: Retention,
        node: String,
    ) -> Result<Self, OpenError> {
        let scripts = Scripts::new();
        let connection = Connection::open(url, scripts.all(), clock).await?;
        check_schema(&connection).await?;
        let shared = Arc::new_cyclic(|shared: &Weak<Shared>| Shared {
            subscriber: Subscriber::new(&connection, Arc::new(Hints(shared.clone()))),
            watched: Watched::default(),
            members: Members::default(),
            connection,
            scripts,
            retention,
            time,
            node,
            teller: Teller::new(),
            known: Known::new(),
            replicated: Known::new(),
            rows: Rows::new(),
            lost: AtomicU64::new(0),
            environments: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        tokio::spawn(poll(Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// The servers' time, whatever the clock of this process says.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.shared.connection.clock()
    }
}

impl Shared {
    pub(super) async fn run(&self, call: Call) -> Result<Value, StoreError> {
        Ok(self.ask(call).await?.value)
    }

    /// As [`run`](Self::run); says who answered, too.
    pub(super) async fn ask(&self, call: Call) -> Result<Reply, StoreError> {
        self.check_open()?;
        self.connection.run(call).await.map_err(unavailable)
    }

    /// All of `calls`, pipelined; answers in their order.
    pub(super) async fn run_all(
        &self,
        calls: impl IntoIterator<Item = Call>,
    ) -> Result<Vec<Value>, StoreError> {
        try_join_all(calls.into_iter().map(|call| self.run(call))).await
    }

    /// A call of a script that changes the session at `home`, as `lua/head.lua` wants it. `keys`
    /// are those that it may touch beside the head: while a Cluster moves them, a script that did
    /// not name them would be stopped in its middle.
    pub(super) fn session_call(
        &self,
        script: &Arc<Script>,
        home: &Home,
        keys: impl IntoIterator<Item = String>,
        now: Option<u64>,
    ) -> Call {
        let now = now.or(self.told_now()).map_or_else(String::new, |now| now.to_string());
        let keys: Vec<_> = std::iter::once(home.key("h")).chain(keys).collect();
        script.call(&keys).arg(&home.base).arg(&home.name).arg(now).arg(self.span())
    }

    /// The time that scripts are told; `None`: they ask the server.
    pub(super) fn told_now(&self) -> Option<u64> {
        match &self.time {
            StoreTime::Server => None,
            StoreTime::Clock(clock) => Some(clock.unix_millis()),
        }
    }

    /// Life of a session's keys after it was used, ms.
    pub(super) fn span(&self) -> u64 {
        let ages = self.retention.ttl_ms.saturating_add(self.retention.closed_ttl_ms);
        ages.saturating_add(DAY_MS).min(SPAN_MAX_MS)
    }

    /// The time of leases and sweeps, Unix ms.
    pub(super) fn now(&self) -> u64 {
        match &self.time {
            StoreTime::Server => self.connection.clock().unix_millis(),
            StoreTime::Clock(clock) => clock.unix_millis(),
        }
    }

    /// The session's row, if it is at hand.
    fn recall(&self, session: &SessionKey) -> Option<Arc<SessionRow>> {
        let (row, served) = self.rows.recall(session)?;
        self.connection.still_serves(&served).then_some(row)
    }

    /// Makes sweeps find the sessions of `environment`: once in each reign, which may have lost it.
    pub(super) async fn note_environment(&self, environment: &str) -> Result<(), StoreError> {
        let is_noted = |served: &Served| self.connection.still_serves(served);
        if self.environments.lock().get(environment).is_some_and(is_noted) {
            return Ok(());
        }
        let call = Call::command("SADD", ENVIRONMENTS).arg(environment);
        let served = self.ask(call).await?.served;
        self.environments.lock().insert(environment.to_owned(), served);
        Ok(())
    }

    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(()) }
    }

    async fn close(&self) -> Result<(), StoreError> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(StoreError::Closed);
        }
        self.leave().await;
        Ok(())
    }
}

impl ListenableStore for RedisStore {
    fn set_listener(&self, listener: Arc<dyn CommitListener>) {
        self.shared.teller.set(listener);
    }

    fn lost_records(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

impl StreamStore for RedisStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(self.shared.commit(commit))
    }

    fn read(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Record>, StoreError>> {
        let stream = stream.clone();
        Box::pin(async move { self.shared.read(&stream, from, limit).await })
    }

    fn state(&self, stream: &StreamId) -> BoxFuture<'_, Result<StreamState, StoreError>> {
        let stream = stream.clone();
        Box::pin(async move { self.shared.state(&stream).await })
    }

    fn session(
        &self,
        key: &SessionKey,
    ) -> BoxFuture<'_, Result<Option<Arc<SessionRow>>, StoreError>> {
        let key = key.clone();
        Box::pin(async move { self.shared.session(&key).await })
    }

    fn recall(
        &self,
        key: &SessionKey,
    ) -> BoxFuture<'_, Result<Option<Arc<SessionRow>>, StoreError>> {
        let key = key.clone();
        Box::pin(async move {
            match self.shared.recall(&key) {
                Some(row) => Ok(Some(row)),
                None => self.shared.session(&key).await,
            }
        })
    }

    fn watch(&self, stream: &StreamId) -> Option<Box<dyn Watch>> {
        Some(self.shared.watch(stream))
    }

    fn resolve(
        &self,
        environment: &str,
        id: &str,
    ) -> BoxFuture<'_, Result<Option<SessionKey>, StoreError>> {
        let (environment, id) = (environment.to_owned(), id.to_owned());
        Box::pin(async move { self.shared.resolve(&environment, &id).await })
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        Box::pin(async move { self.shared.list(&query).await })
    }

    fn owed(&self, session: &SessionKey) -> BoxFuture<'_, Result<Vec<u64>, StoreError>> {
        let session = session.clone();
        Box::pin(async move { self.shared.owed(&session).await })
    }

    fn fates(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Fate)>, StoreError>> {
        let session = session.clone();
        Box::pin(async move { self.shared.fates(&session, from, limit).await })
    }

    fn blob(
        &self,
        session: &SessionKey,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let (session, name) = (session.clone(), name.to_owned());
        Box::pin(async move { self.shared.blob(&session, &name).await })
    }

    fn blobs(
        &self,
        session: &SessionKey,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(String, Bytes)>, StoreError>> {
        let (session, prefix) = (session.clone(), prefix.to_owned());
        let before = before.map(str::to_owned);
        Box::pin(
            async move { self.shared.blobs(&session, &prefix, before.as_deref(), limit).await },
        )
    }

    fn lease(
        &self,
        session: &SessionKey,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>> {
        let session = session.clone();
        Box::pin(async move { self.shared.lease(&session, request).await })
    }

    fn sweep_owed(
        &self,
        after: Option<SessionKey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        Box::pin(self.shared.sweep_owed(after, limit))
    }

    fn sweep_expired(
        &self,
        now: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        Box::pin(self.shared.sweep_expired(now, limit))
    }

    fn delete(&self, session: &SessionKey) -> BoxFuture<'_, Result<(), StoreError>> {
        let session = session.clone();
        Box::pin(async move { self.shared.delete(&session).await })
    }

    fn enforce_retention(&self, now: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.shared.enforce_retention(now))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.shared.close())
    }
}
