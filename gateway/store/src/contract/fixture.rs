//! A store under test, with short words for what tests do to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_core::seams::Clock;
use tidegate_core::seams::store::{
    Append, Commit, CommitError, Committed, Fate, Op, ReadLimit, Retention, StreamState, Writer,
};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::{NewRecord, Record};

use super::factory::StoreFactory;
use crate::open::ListenableStore;

/// When fixtures start, Unix ms.
pub const START: u64 = 1_700_000_000_000;
/// No limit.
pub const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };

/// A clock that tests set.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// Starts at `now`.
    pub fn at(now: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(now)))
    }

    /// Sets the time, Unix ms; it may go back.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// Lets `ms` pass.
    pub fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_millis(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A store and its clock.
#[derive(Debug)]
pub struct Fixture {
    /// The store under test.
    pub store: Arc<dyn ListenableStore>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    retention: Retention,
}

impl Fixture {
    /// A store with the default retention.
    pub async fn new(factory: &dyn StoreFactory) -> Self {
        Self::with(factory, Retention::default()).await
    }

    /// A store with `retention`.
    pub async fn with(factory: &dyn StoreFactory, retention: Retention) -> Self {
        let clock = ManualClock::at(START);
        Self { store: factory.open(clock.clone(), retention).await, clock, retention }
    }

    /// Closes the store and opens it again. A store that is not durable stays as it is.
    pub async fn reopen(self, factory: &dyn StoreFactory) -> Self {
        if !factory.is_durable() {
            return self;
        }
        let Self { store, clock, retention } = self;
        store.close().await.expect("closing");
        drop(store);
        Self { store: factory.open(clock.clone(), retention).await, clock, retention }
    }

    /// Commits `ops` to the session of [`key`].
    pub async fn commit(&self, ops: Vec<Op>) -> Result<Committed, CommitError> {
        self.store.commit(Commit { session: key(), ops }).await
    }

    /// Commits `ops`, which must work.
    pub async fn done(&self, ops: Vec<Op>) -> Committed {
        self.commit(ops).await.expect("the commit can be applied")
    }

    /// Where `channel` stands.
    pub async fn state(&self, channel: &Channel) -> StreamState {
        self.store.state(&stream(channel)).await.expect("a state")
    }

    /// All records of `channel` from `from` on.
    pub async fn read(&self, channel: &Channel, from: u64) -> Vec<Record> {
        self.store.read(&stream(channel), from, ALL).await.expect("records")
    }

    /// What is owed.
    pub async fn owed(&self) -> Vec<u64> {
        self.store.owed(&key()).await.expect("what is owed")
    }

    /// All fates.
    pub async fn fates(&self) -> Vec<(u64, Fate)> {
        self.store.fates(&key(), 0, usize::MAX).await.expect("fates")
    }

    /// The row.
    pub async fn row(&self) -> Option<Arc<SessionRow>> {
        self.store.session(&key()).await.expect("a row or none")
    }
}

/// The session that tests use.
pub fn key() -> SessionKey {
    SessionKey::new("dev", "chat-1")
}

/// The stream of `channel` in the session of [`key`].
pub fn stream(channel: &Channel) -> StreamId {
    StreamId { session: key(), channel: channel.clone() }
}

/// A record with `body`.
pub fn record(body: impl Into<String>) -> NewRecord {
    NewRecord { headers: Vec::new(), body: body.into().into() }
}

/// Appends `bodies` to `channel` as a client.
pub fn append(channel: &Channel, bodies: &[&str]) -> Op {
    append_as(channel, Writer::Client, bodies)
}

/// Appends `bodies` to `channel` as `writer`.
pub fn append_as(channel: &Channel, writer: Writer, bodies: &[&str]) -> Op {
    Op::Append(Append {
        channel: channel.clone(),
        writer,
        frame_key: None,
        records: bodies.iter().map(|body| record(*body)).collect(),
        owed: false,
    })
}

/// Appends `bodies` to `.in`, owed.
pub fn owe(bodies: &[&str]) -> Op {
    let Op::Append(append) = append(&Channel::IN, bodies) else { unreachable!("an append") };
    Op::Append(Append { owed: true, ..append })
}

/// Appends `bodies` to `.out` under a frame key.
pub fn frame(key: &str, bodies: &[&str]) -> Op {
    let Op::Append(append) = append(&Channel::OUT, bodies) else { unreachable!("an append") };
    Op::Append(Append { frame_key: Some(key.to_owned()), ..append })
}

/// A row of the session called `name`, created at `created_at`.
pub fn row(name: &str, created_at: u64) -> SessionRow {
    SessionRow {
        id: format!("session_{name}"),
        external_id: Some(name.to_owned()),
        environment: "dev".to_owned(),
        kind: "chat.agent".to_owned(),
        agent: "demo".to_owned(),
        trigger_config: serde_json::json!({ "tags": ["x"] }),
        tags: Vec::new(),
        metadata: None,
        run_id: "run_1".to_owned(),
        depth: 0,
        closed_at: None,
        closed_reason: None,
        expires_at: None,
        created_at,
        updated_at: created_at,
        version: 0,
    }
}

/// Writes a row in place of version `expected`.
pub fn put_row(expected: Option<u64>, row: SessionRow) -> Op {
    Op::PutRow { expected, row: Box::new(row) }
}

/// Bodies of `records`.
pub fn bodies(records: &[Record]) -> Vec<&str> {
    records.iter().map(|r| std::str::from_utf8(&r.body).expect("bodies are text")).collect()
}

/// Seqs of `records`.
pub fn seqs(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.seq_num).collect()
}
