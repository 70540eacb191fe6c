//! One chat, as its client and its agent write it.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::seams::Fleet as _;
use tidegate_core::seams::StreamStore as _;
use tidegate_core::seams::fleet::Claim;
use tidegate_core::seams::store::{
    Append, Commit, Committed, Fate, Floor, LeaseRequest, Op, Writer,
};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{Channel, Direction, SessionKey};
use tidegate_store::contract::fixture::{put_row, record, row};
use tidegate_store::contract::random::Random;
use tidegate_store::{RedisFleet, RedisStore};

/// How a chat ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its client closes it.
    Closed,
    /// Its time passes.
    Expired,
    /// The same, and its last input was never answered.
    Abandoned,
    /// It is deleted at once.
    Deleted,
}

/// A chat.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) name: String,
    pub(crate) end: End,
    pub(crate) turns: u64,
    pub(crate) turns_left: u64,
    row: SessionRow,
    random: Random,
    frames: u64,
    /// Commits of an answer.
    steps: u64,
}

/// The gateway that serves all chats.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) store: Arc<RedisStore>,
    pub(crate) fleet: RedisFleet,
}

const LEASE_MS: u64 = 9_000;

impl Chat {
    pub(crate) fn new(name: String, seed: u64, now: u64, turns: u64, steps: u64, end: End) -> Self {
        let row = row(&name, now);
        let random = Random::new(seed);
        Self { name, end, turns: 0, turns_left: turns, row, random, frames: 0, steps }
    }

    pub(crate) fn key(&self) -> SessionKey {
        SessionKey::new("dev", &self.name)
    }

    /// Made, with the time at which it expires if nobody closes it.
    pub(crate) async fn open(&mut self, gateway: &Gateway, expires_at: u64) {
        self.row.expires_at = Some(expires_at);
        self.write_row(gateway).await;
    }

    /// A message and its whole answer.
    pub(crate) async fn turn(&mut self, gateway: &Gateway) {
        let asked = self.ask(gateway).await;
        let key = self.key();
        let Ok(Claim::Mine { term }) = gateway.fleet.claim(&key).await else { panic!("claimed") };
        let take = LeaseRequest::Take { holder: "run".to_owned(), ttl_ms: LEASE_MS };
        let lease = gateway.store.lease(&key, take).await.expect("a lease");
        let writer = Writer::Run { fence: lease.fence };
        for _ in 0..self.steps {
            let answer = self.append(Channel::OUT, writer);
            self.commit(gateway, vec![Op::ExpectTerm { term }, answer]).await;
        }
        if self.random.once_in(4) {
            let side = Channel::side("notes", Direction::Out).expect("a name");
            let note = self.append(side, Writer::Client);
            self.commit(gateway, vec![note]).await;
        }
        self.turns += 1;
        self.turns_left = self.turns_left.saturating_sub(1);
        let boundary = self.append(Channel::OUT, writer);
        let message = Bytes::from(vec![b'm'; 400 + self.random.below(400) as usize]);
        // Only the newest messages, so that a chat without end stays small.
        let name = format!("message/{:04}", self.turns % 64);
        let end = vec![
            boundary,
            Op::Settle(vec![(asked, Fate::Answered { turn: self.turns })]),
            Op::PutBlob { name, bytes: message },
            Op::PutBlob { name: "state".to_owned(), bytes: Bytes::from_static(b"{\"turn\":1}") },
            Op::Trim { channel: Channel::OUT, floor: Floor::Replay, before: self.turns },
        ];
        self.commit(gateway, end).await;
        let release = LeaseRequest::Release { holder: "run".to_owned() };
        gateway.store.lease(&key, release).await.expect("given up");
        assert_eq!(gateway.fleet.give_up(&key, term, true).await, Ok(true));
    }

    /// What its end asks for; it may go on for a while by itself then.
    pub(crate) async fn finish(&mut self, gateway: &Gateway, now: u64) {
        match self.end {
            End::Closed => {
                self.row.closed_at = Some(now);
                self.write_row(gateway).await;
            }
            End::Expired => {}
            End::Abandoned => {
                self.ask(gateway).await;
            }
            End::Deleted => gateway.store.delete(&self.key()).await.expect("deleted"),
        }
    }

    /// Appends an owed input; its seq.
    async fn ask(&mut self, gateway: &Gateway) -> u64 {
        let Op::Append(append) = self.append(Channel::IN, Writer::Client) else {
            unreachable!("an append")
        };
        let records = append.records.into_iter().take(1).collect();
        let append = Op::Append(Append { owed: true, records, ..append });
        self.commit(gateway, vec![append]).await.appends[0].first
    }

    fn append(&mut self, channel: Channel, writer: Writer) -> Op {
        self.frames += 1;
        let records = (0..1 + self.random.below(6))
            .map(|_| record("x".repeat(40 + self.random.below(160) as usize)));
        let records = records.collect();
        let frame_key = Some(format!("{}-{}", self.name, self.frames));
        Op::Append(Append { channel, writer, frame_key, records, owed: false })
    }

    async fn write_row(&mut self, gateway: &Gateway) {
        let version = self.row.version;
        let expected = (version > 0).then_some(version);
        self.commit(gateway, vec![put_row(expected, self.row.clone())]).await;
        self.row.version = version + 1;
    }

    async fn commit(&self, gateway: &Gateway, ops: Vec<Op>) -> Committed {
        gateway.store.commit(Commit { session: self.key(), ops }).await.expect("committed")
    }
}
