//! The store on disk behind the seam.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tidegate_core::seams::store::{
    Commit, CommitError, CommitListener, Committed, Fate, Lease, LeaseError, LeaseRequest,
    ListPage, ListQuery, Op, ReadLimit, Retention, StoreError, StreamState, StreamStore,
};
use tidegate_core::seams::{BoxFuture, Clock};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{SessionKey, StreamId};
use tidegate_protocol::{NewRecord, Record};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, oneshot};

use super::answer::{Answer, Job};
use super::committer::Committer;
use super::engine::{Engine, Home};
use super::shared::Shared;
use super::views::{View, Views};
use super::{deletion, load, reads, sweep};
use crate::listing::filter::matches;
use crate::open::{ListenableStore, OpenError};

/// Jobs that may wait for the committing thread; more wait in their callers.
const QUEUE: usize = 1_024;
/// KiB of commits that may wait; a larger one waits for all of it.
const QUEUE_KIB: u32 = 64 * 1_024;
/// Keys that are cleared away in one job.
const CLEAR_MAX: usize = 1_000;
/// Sessions looked at between two pauses of a sweep.
const SWEEP_PAGE: usize = 1_000;

/// Streams, rows, blobs and leases in one directory.
#[derive(Debug)]
pub struct DiskStore {
    shared: Arc<Shared>,
    jobs: Option<Sender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Bounds the bytes of the commits that wait, KiB (I6).
    room: Semaphore,
}

impl DiskStore {
    /// Opens the store in the directory `path`, which is made if it is not there. Recovers from
    /// whatever ended the last process. Blocks on the disk.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        retention: Retention,
    ) -> Result<Self, OpenError> {
        let unavailable = |error: &dyn std::fmt::Display| OpenError::Unavailable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let home = Home::lock(path)?;
        let engine = home.open()?;
        let owing = sweep::owing(&engine).map_err(|error| unavailable(&error))?;
        let shared = Arc::new(Shared {
            engine: RwLock::new(Some(engine)),
            views: Views::new(),
            owing: Mutex::new(owing),
            listener: OnceLock::new(),
            clock,
            retention,
            closed: AtomicBool::new(false),
        });
        let committer =
            Committer::new(home, shared.clone()).map_err(|error| unavailable(&error))?;
        let (jobs, queued) = tokio::sync::mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-commit".to_owned())
            .spawn(move || committer.run(queued))
            .map_err(|error| unavailable(&error))?;
        let room = Semaphore::new(QUEUE_KIB as usize);
        Ok(Self { shared, jobs: Some(jobs), thread: Mutex::new(Some(thread)), room })
    }

    /// Has the committing thread do `job` and waits for its answer.
    async fn ask<T, E: From<StoreError>>(
        &self,
        job: impl FnOnce(Answer<T, E>) -> Job,
    ) -> Result<T, E> {
        self.shared.check_open()?;
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job(answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Reads from the disk on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.check_open()?;
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || read(&shared)).await;
        done.map_err(|_| StoreError::Unavailable("the read was stopped".to_owned()))?
    }

    /// As [`Self::blocking`], with the engine.
    async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(move |shared| shared.with_engine(read)).await
    }

    async fn state_of(&self, stream: StreamId) -> Result<StreamState, StoreError> {
        self.shared.check_open()?;
        let known = |view: &View| view.stream(&stream.channel);
        if let Some(state) = self.shared.views.look(&stream.session, known) {
            return Ok(state);
        }
        self.blocking(move |shared| {
            let commits = shared.views.commits(&stream.session);
            let (view, state) = shared.with_engine(|engine| {
                let work = load::session(engine, &stream.session)?;
                Ok((View::of(&work), reads::state(engine, &work, &stream)?))
            })?;
            shared.views.keep(&stream.session, commits, view, Some((&stream.channel, state)));
            Ok(state)
        })
        .await
    }

    async fn row_of(&self, key: SessionKey) -> Result<Option<Arc<SessionRow>>, StoreError> {
        self.shared.check_open()?;
        if let Some(row) = self.shared.views.look(&key, |view| Some(view.row.clone())) {
            return Ok(row);
        }
        self.blocking(move |shared| {
            let commits = shared.views.commits(&key);
            let work = shared.with_engine(|engine| load::session(engine, &key))?;
            shared.views.keep(&key, commits, View::of(&work), None);
            Ok(work.row)
        })
        .await
    }

    async fn page(&self, query: ListQuery) -> Result<ListPage, StoreError> {
        let Some(external_id) = &query.external_id else {
            return self.reading(move |engine| reads::list(engine, &query)).await;
        };
        let row = self.row_of(SessionKey::new(&query.environment, external_id)).await?;
        let row = row.filter(|row| matches(&query, row));
        let rows = row.iter().map(|row| (**row).clone()).collect();
        Ok(ListPage { rows, ..ListPage::default() })
    }

    async fn enforce(&self, now: u64) -> Result<u64, StoreError> {
        let mut dropped = 0;
        let mut after = None;
        loop {
            let (overfull, last) = self
                .blocking(move |shared| {
                    shared.with_engine(|engine| {
                        let rules = &shared.retention;
                        sweep::overfull(engine, rules, now, after.as_ref(), SWEEP_PAGE)
                    })
                })
                .await?;
            for key in overfull {
                dropped += self.ask(|answer| Job::Enforce(key, now, answer)).await?;
            }
            if last.is_none() {
                break;
            }
            after = last;
        }
        self.clear(move |engine| sweep::old_frames(engine, now, CLEAR_MAX)).await?;
        self.clear(|engine| deletion::garbage(engine, CLEAR_MAX)).await?;
        Ok(dropped)
    }

    /// Removes the keys that `find` finds, until it finds none.
    async fn clear(
        &self,
        find: impl Fn(&Engine) -> Result<Vec<Vec<u8>>, StoreError> + Clone + Send + 'static,
    ) -> Result<(), StoreError> {
        loop {
            let keys = self.reading(find.clone()).await?;
            if keys.is_empty() {
                return Ok(());
            }
            self.ask(|answer| Job::Remove(keys, answer)).await?;
        }
    }
}

/// About how much memory the content of `ops` takes.
fn bytes_of(ops: &[Op]) -> u32 {
    let bytes = ops.iter().map(|op| match op {
        Op::Append(append) => append.records.iter().map(NewRecord::metered_len).sum(),
        Op::PutBlob { bytes, .. } => bytes.len(),
        _ => 0,
    });
    u32::try_from(bytes.sum::<usize>()).unwrap_or(u32::MAX)
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        self.jobs = None;
        // The directory is free for others once the thread has ended.
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

impl ListenableStore for DiskStore {
    fn set_listener(&self, listener: Arc<dyn CommitListener>) {
        // A second one is ignored, as the trait says.
        let _ = self.shared.listener.set(listener);
    }
}

impl StreamStore for DiskStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            let size = (bytes_of(&commit.ops) / 1_024 + 1).min(QUEUE_KIB);
            // Held until the answer is there.
            let _room = self.room.acquire_many(size).await.map_err(|_| StoreError::Closed)?;
            self.ask(|answer| Job::Commit(commit, answer)).await
        })
    }

    fn read(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Record>, StoreError>> {
        let stream = stream.clone();
        Box::pin(self.reading(move |engine| reads::records(engine, &stream, from, limit)))
    }

    fn state(&self, stream: &StreamId) -> BoxFuture<'_, Result<StreamState, StoreError>> {
        Box::pin(self.state_of(stream.clone()))
    }

    fn session(
        &self,
        key: &SessionKey,
    ) -> BoxFuture<'_, Result<Option<Arc<SessionRow>>, StoreError>> {
        Box::pin(self.row_of(key.clone()))
    }

    fn resolve(
        &self,
        environment: &str,
        id: &str,
    ) -> BoxFuture<'_, Result<Option<SessionKey>, StoreError>> {
        let (environment, id) = (environment.to_owned(), id.to_owned());
        Box::pin(self.reading(move |engine| reads::resolve(engine, &environment, &id)))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<ListPage, StoreError>> {
        Box::pin(self.page(query))
    }

    fn owed(&self, session: &SessionKey) -> BoxFuture<'_, Result<Vec<u64>, StoreError>> {
        let session = session.clone();
        Box::pin(self.reading(move |engine| reads::owed(engine, &session)))
    }

    fn fates(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Fate)>, StoreError>> {
        let session = session.clone();
        Box::pin(self.reading(move |engine| reads::fates(engine, &session, from, limit)))
    }

    fn blob(
        &self,
        session: &SessionKey,
        name: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let (session, name) = (session.clone(), name.to_owned());
        Box::pin(self.reading(move |engine| reads::blob(engine, &session, &name)))
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
        Box::pin(self.reading(move |engine| {
            reads::blobs(engine, &session, &prefix, before.as_deref(), limit)
        }))
    }

    fn lease(
        &self,
        session: &SessionKey,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>> {
        let session = session.clone();
        Box::pin(self.ask(|answer| Job::Lease(session, request, answer)))
    }

    fn sweep_owed(
        &self,
        after: Option<SessionKey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        Box::pin(self.blocking(move |shared| sweep::free(shared, after, limit)))
    }

    fn sweep_expired(
        &self,
        now: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        Box::pin(self.blocking(move |shared| sweep::over(shared, now, limit)))
    }

    fn delete(&self, session: &SessionKey) -> BoxFuture<'_, Result<(), StoreError>> {
        let session = session.clone();
        Box::pin(self.ask(|answer| Job::Delete(session, answer)))
    }

    fn enforce_retention(&self, now: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.enforce(now))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.ask(Job::Close))
    }
}
