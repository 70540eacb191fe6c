//! The one thread that writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tidegate_core::seams::store::StoreError;
use tidegate_protocol::ids::SessionKey;
use tokio::sync::mpsc::Receiver;

use super::answer::{Answer, Job, Reply, reply};
use super::cache::Cache;
use super::engine::{Engine, Home, unavailable};
use super::group::{Broken, Group};
use super::keys::meta;
use super::load::damaged;
use super::overlay::get;
use super::shared::Shared;
use super::work::Work;

/// Most jobs in one group.
const GROUP_MAX: usize = 1_024;
/// Between the beginnings of two groups: at most a thousand syncs a second.
const SYNC_INTERVAL: Duration = Duration::from_millis(1);
/// Sessions whose state is kept for sure.
const SESSIONS: usize = 16 * 1_024;

/// The committing thread's state.
#[derive(Debug)]
pub(super) struct Committer {
    home: Home,
    shared: Arc<Shared>,
    works: Cache<SessionKey, Work>,
    next_number: u64,
    /// Number of the next group.
    group: u64,
    /// When the last group began.
    began: Instant,
    /// Why nothing can be written, and the group that failed first.
    failed: Option<(u64, StoreError)>,
}

/// How a group ended.
enum End {
    /// It is synced and shown.
    Written,
    /// It was given up before it was written.
    GivenUp(StoreError),
    /// Writing or syncing it failed: what of it reached the disk is not known.
    Failed(StoreError),
}

impl Committer {
    pub(super) fn new(home: Home, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let next_number = shared.with_engine(next_number)?;
        let works = Cache::new(SESSIONS);
        let began = Instant::now();
        Ok(Self { home, shared, works, next_number, group: 0, began, failed: None })
    }

    /// Takes what is queued, again and again. It never waits for more to come, but a busy store
    /// paces its syncs: a commit that finds it idle is synced at once (ADR 10).
    pub(super) fn run(mut self, mut jobs: Receiver<Job>) {
        let mut queued = Vec::new();
        while jobs.blocking_recv_many(&mut queued, GROUP_MAX) > 0 {
            self.pace(&mut queued, &mut jobs);
            if let Some(answer) = self.group(&mut queued) {
                jobs.close();
                let _ = answer.send(self.end());
                return;
            }
        }
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the disk store did not end cleanly");
        }
    }

    /// Lets [`SYNC_INTERVAL`] pass since the last group began, and takes what came meanwhile.
    #[expect(clippy::disallowed_methods, reason = "a thread of its own, no runtime worker")]
    fn pace(&mut self, queued: &mut Vec<Job>, jobs: &mut Receiver<Job>) {
        if let Some(early) = SYNC_INTERVAL.checked_sub(self.began.elapsed()) {
            std::thread::sleep(early);
            while queued.len() < GROUP_MAX
                && let Ok(job) = jobs.try_recv()
            {
                queued.push(job);
            }
        }
        self.began = Instant::now();
    }

    /// Writes one group; gives the answer to who asked to close, if somebody did.
    fn group(&mut self, jobs: &mut Vec<Job>) -> Option<Answer<(), StoreError>> {
        if let Err(error) = self.recover() {
            return refuse(jobs, &error);
        }
        let number = self.group;
        self.group += 1;
        let mut replies = Vec::with_capacity(jobs.len());
        let mut close = None;
        let end = {
            let shared = self.shared.clone();
            let engine = shared.engine.read();
            match &*engine {
                Some(engine) => self.write(engine, number, jobs, &mut replies, &mut close),
                None => End::Failed(unavailable("it could not be opened again")),
            }
        };
        jobs.clear();
        let result = match end {
            End::Written => Ok(()),
            End::GivenUp(error) => {
                self.forget();
                Err(error)
            }
            End::Failed(error) => {
                tracing::error!(%error, "a commit failed; the disk store will try to recover");
                self.works.clear();
                self.failed = Some((number, error.clone()));
                Err(error)
            }
        };
        replies.into_iter().for_each(|reply| reply(result.clone()));
        close
    }

    fn write(
        &mut self,
        engine: &Engine,
        number: u64,
        jobs: &mut Vec<Job>,
        replies: &mut Vec<Reply>,
        close: &mut Option<Answer<(), StoreError>>,
    ) -> End {
        let now = self.shared.clock.unix_millis();
        let mut group = Group::new(engine, &mut self.works, &mut self.next_number, now);
        let mut broken = None;
        for job in jobs.drain(..) {
            let result = add(&mut group, job, &self.shared, replies, close);
            if let Err(Broken(error)) = result {
                broken = Some(error);
            }
        }
        if let Some(error) = broken {
            return End::GivenUp(error);
        }
        if let Err(error) = group.write(self.home.mark(number)) {
            return End::Failed(unavailable(error));
        }
        group.publish(&self.shared);
        End::Written
    }

    /// Drops all state that may be ahead of the disk.
    fn forget(&mut self) {
        self.works.clear();
        match self.shared.with_engine(next_number) {
            Ok(next) => self.next_number = next,
            Err(error) => self.failed = Some((self.group, error)),
        }
    }

    /// After a failure: opens the engine again, without what failed. Reads go on until it is
    /// sure that there is space for it.
    fn recover(&mut self) -> Result<(), StoreError> {
        let Some((number, error)) = self.failed.clone() else { return Ok(()) };
        if self.home.probe().is_err() {
            return Err(error);
        }
        let mut engine = self.shared.engine.write();
        *engine = None;
        let opened = self.home.reopen(number)?;
        self.next_number = next_number(&opened)?;
        *engine = Some(opened);
        self.failed = None;
        tracing::info!("the disk store has recovered");
        Ok(())
    }

    fn end(self) -> Result<(), StoreError> {
        self.shared.closed.store(true, Ordering::Release);
        let engine = self.shared.engine.write().take();
        if self.failed.is_some() {
            return Ok(());
        }
        if let Some(engine) = engine {
            engine.db.persist(fjall::PersistMode::SyncAll).map_err(unavailable)?;
            drop(engine);
            self.home.mark_clean().map_err(unavailable)?;
        }
        Ok(())
    }
}

/// Adds one job to the group.
fn add(
    group: &mut Group<'_>,
    job: Job,
    shared: &Shared,
    replies: &mut Vec<Reply>,
    close: &mut Option<Answer<(), StoreError>>,
) -> Result<(), Broken> {
    match job {
        Job::Commit(commit, answer) => match group.commit(commit) {
            Ok(result) => replies.push(reply(answer, result)),
            Err(broken) => {
                replies.push(reply(answer, Err(broken.0.clone().into())));
                return Err(broken);
            }
        },
        Job::Lease(key, request, answer) => {
            let result = group.lease(&key, request);
            replies.push(reply(answer, result));
        }
        Job::Delete(key, answer) => {
            let result = group.delete(&key);
            replies.push(reply(answer, result));
        }
        Job::Enforce(key, now, answer) => match group.enforce(&key, &shared.retention, now) {
            Ok(result) => replies.push(reply(answer, result)),
            Err(broken) => {
                replies.push(reply(answer, Err(broken.0.clone())));
                return Err(broken);
            }
        },
        Job::Remove(keys, answer) => {
            group.remove(keys);
            replies.push(reply(answer, Ok(())));
        }
        Job::Close(answer) => *close = Some(answer),
    }
    Ok(())
}

/// Answers all `jobs` with `error`, except the one that closes.
fn refuse(jobs: &mut Vec<Job>, error: &StoreError) -> Option<Answer<(), StoreError>> {
    let mut close = None;
    for job in jobs.drain(..) {
        match job {
            Job::Commit(_, answer) => reply(answer, Err(error.clone().into()))(Ok(())),
            Job::Lease(_, _, answer) => reply(answer, Err(error.clone().into()))(Ok(())),
            Job::Delete(_, answer) | Job::Remove(_, answer) => {
                reply(answer, Err(error.clone()))(Ok(()));
            }
            Job::Enforce(_, _, answer) => reply(answer, Err(error.clone()))(Ok(())),
            Job::Close(answer) => close = Some(answer),
        }
    }
    close
}

fn next_number(engine: &Engine) -> Result<u64, StoreError> {
    let Some(stored) = get(engine, &meta::NEXT_NUMBER)? else { return Ok(0) };
    let number = stored.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    number.ok_or_else(damaged)
}
