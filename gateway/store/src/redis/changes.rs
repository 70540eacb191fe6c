//! What changes a session: commits and deletion.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_core::seams::store::{Commit, CommitError, Committed, Op, StoreError};
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};
use tracing::warn;

use super::answer::{self, Landed};
use super::commit::{keys_of, stored_row, with_ops, with_rules};
use super::connect::{Call, CallError, Reign, Served, slot_of};
use super::keys::Home;
use super::plain::{Around, Plain};
use super::store::Shared;
use super::value::{bytes, unavailable};

/// Where a commit goes.
#[derive(Debug)]
struct Target {
    home: Home,
    reign: Reign,
    /// Whether this node hears the session's hints.
    heard: bool,
}

/// So often another server's turn is waited for: a Cluster may take its time to move a slot.
const TURNS_MAX: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// Versions of rows may be given again under another reign.
fn is_about_the_row(commit: &Commit) -> bool {
    let of_row = |op: &Op| match op {
        Op::ExpectRow { .. } => true,
        Op::PutRow { expected, .. } => expected.is_some(),
        _ => false,
    };
    commit.ops.iter().any(of_row)
}

/// A commit that was done.
#[derive(Debug)]
struct Done {
    landed: Vec<Landed>,
    served: Served,
}

/// Why a commit was not done.
#[derive(Debug, PartialEq)]
enum Undone {
    /// Another reign began before it came to the server.
    TakenOver,
    Failed(CommitError),
}

impl From<CallError> for Undone {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TakenOver => Self::TakenOver,
            error => Self::Failed(unavailable(error).into()),
        }
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<CommitError> for Undone {
    fn from(error: CommitError) -> Self {
        Self::Failed(error)
    }
}

impl Shared {
    pub(super) async fn commit(self: &Arc<Self>, commit: Commit) -> Result<Committed, CommitError> {
        self.check_open()?;
        self.note_environment(commit.session.environment()).await?;
        let home = Home::of(&commit.session);
        let hints = home.key("w");
        let hears = self.subscriber.hears(hints.as_bytes());
        let heard = hears.is_some();
        let mut turns = 0;
        let done = loop {
            let reign = self.reign_after(turns, &home).await?;
            let target = Target { home: home.clone(), reign, heard };
            match self.commit_under(&commit, &target).await {
                Ok(done) => break done,
                // What it says of the row is wrong by now.
                Err(Undone::TakenOver) if is_about_the_row(&commit) => {
                    self.rows.let_go(&commit.session);
                    return Err(CommitError::RowChanged { current: None });
                }
                // What it says of the server is.
                Err(Undone::TakenOver) => turns += 1,
                Err(Undone::Failed(error)) => return Err(error),
            }
        };
        self.connection.barrier(&done.served).await.map_err(unavailable)?;
        let hinted = hears.is_none() || self.subscriber.hears(hints.as_bytes()) == hears;
        let committed = Committed { appends: done.landed.iter().map(|one| one.appended).collect() };
        if !committed.appends.iter().any(|one| one.repeated) {
            self.note(commit, done, hinted);
        }
        Ok(committed)
    }

    async fn commit_under(&self, commit: &Commit, target: &Target) -> Result<Done, Undone> {
        match self.commit_plain(commit, target).await? {
            Some(done) => Ok(done),
            None => self.commit_any(commit, target).await,
        }
    }

    /// Does what is but an append, if it can be done in the short way.
    async fn commit_plain(&self, commit: &Commit, target: &Target) -> Result<Option<Done>, Undone> {
        let Some(plain) = Plain::of(commit) else { return Ok(None) };
        let known = self.known.tail(&stream_of(&commit.session, &plain.append.channel));
        if known == 0 {
            // The stream is most likely new.
            return Ok(None);
        }
        let around = Around {
            server: &target.reign.id,
            node: &self.node,
            now: self.told_now(),
            span: self.span(),
            rules: &self.retention,
            known,
            heard: target.heard,
        };
        let call = plain.call(&self.scripts.append, &target.home, &around);
        let reply = self.connection.run(call.under(&target.reign)).await?;
        let Some(answer) = bytes(reply.value)? else { return Ok(None) };
        Ok(Some(Done { landed: vec![plain.landed(&answer)?], served: reply.served }))
    }

    async fn commit_any(&self, commit: &Commit, target: &Target) -> Result<Done, Undone> {
        let keys = keys_of(commit, &target.home);
        let call = self.session_call(&self.scripts.commit, &target.home, keys, None);
        let call = with_rules(call.arg(&*target.reign.id).arg(&self.node), &self.retention);
        let known = |channel: &_| self.known.tail(&stream_of(&commit.session, channel));
        let reigns = self.connection.reigns_before(&target.reign);
        let call = call.arg(u8::from(target.heard)).arg(reigns);
        let call = with_ops(call, commit, |append| known(&append.channel))?;
        let reply = self.connection.run(call.under(&target.reign)).await?;
        let landed = answer::commit(reply.value);
        if matches!(landed, Err(CommitError::RowChanged { .. })) {
            self.rows.let_go(&commit.session);
        }
        Ok(Done { landed: landed?, served: reply.served })
    }

    /// What this process knows from a commit that was done.
    fn note(self: &Arc<Self>, commit: Commit, done: Done, hinted: bool) {
        let Commit { session, ops } = commit;
        let mut landed = done.landed.into_iter();
        for op in ops {
            match op {
                Op::Append(append) => {
                    let Some(Landed { appended, lost }) = landed.next() else { return };
                    if appended.count == 0 {
                        continue;
                    }
                    let stream = stream_of(&session, &append.channel);
                    if lost > 0 {
                        self.lost.fetch_add(lost, Ordering::Relaxed);
                        warn!(?stream, lost, "the server lost committed records: a new epoch");
                    }
                    let tail = appended.first + appended.count;
                    self.known.see(&stream, tail);
                    if self.connection.waits() {
                        self.replicated.see(&stream, tail);
                    }
                    if !hinted {
                        self.hint(&stream, tail);
                    }
                    if self.teller.is_heard() {
                        let place = |(seq, record): (u64, tidegate_protocol::NewRecord)| {
                            record.at(seq, appended.timestamp)
                        };
                        let records: Arc<[Record]> =
                            (appended.first..).zip(append.records).map(place).collect();
                        self.tell(stream, records);
                    }
                }
                Op::PutRow { expected, row } => {
                    let row = Arc::new(stored_row(expected, &row));
                    self.rows.keep(&session, Some(&row), &done.served);
                }
                _ => {}
            }
        }
    }

    /// Tells the listener of this process's own records.
    fn tell(self: &Arc<Self>, stream: StreamId, records: Arc<[Record]>) {
        if self.teller.own(&stream, records) {
            self.catch_up(&stream);
        }
    }

    pub(super) async fn delete(&self, session: &SessionKey) -> Result<(), StoreError> {
        let home = Home::of(session);
        let keys = ["o", "z", "b", "n"].map(|kind| home.key(kind));
        let call = self.session_call(&self.scripts.delete, &home, keys, None);
        self.run(call).await?;
        self.rows.forget(session);
        Ok(())
    }

    /// Under whom a session's changes are done, after so many whose turn was over.
    pub(super) async fn reign_after(&self, turns: u32, home: &Home) -> Result<Reign, StoreError> {
        match turns {
            0 | 1 => {}
            2..TURNS_MAX => tokio::time::sleep(PAUSE).await,
            _ => {
                let text = "the session's slot is on the move between two servers";
                return Err(StoreError::Unavailable(text.to_owned()));
            }
        }
        let slot = slot_of(home.base.as_bytes());
        if let Some(reign) = self.connection.reign(slot) {
            return Ok(reign);
        }
        let reply = self.connection.run(Call::at(slot, "PING")).await.map_err(unavailable)?;
        Ok(reply.served.reign)
    }
}

fn stream_of(session: &SessionKey, channel: &tidegate_protocol::ids::Channel) -> StreamId {
    StreamId { session: session.clone(), channel: channel.clone() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use redis::Value;
    use tidegate_core::seams::clock::SystemClock;
    use tidegate_core::seams::store::{Append, Floor, Retention, StreamStore, Writer};
    use tidegate_core::seams::{Clock, Fleet};
    use tidegate_protocol::ids::{Channel, Direction};

    use super::*;
    use crate::contract::fixture::{ManualClock, START, key, put_row, record, row};
    use crate::contract::random::Random;
    use crate::redis::connect::RedisUrl;
    use crate::redis::value::{list, text};
    use crate::redis::{RedisFleet, RedisStore, StoreTime};
    use crate::servers::{Config, Redis};

    const RULES: Retention =
        Retention { ttl_ms: 86_400_000, records: 60, bytes: 6_000, closed_ttl_ms: 86_400_000 };

    async fn open(server: &Redis, db: u8, clock: Arc<dyn Clock>) -> (RedisStore, u64) {
        let url = RedisUrl::parse(&format!("{}/{db}", server.url())).expect("a URL");
        let time = StoreTime::Clock(clock);
        let node = "node".to_owned();
        let store = RedisStore::open(url, time, Arc::new(SystemClock), RULES, node).await;
        let store = store.expect("a store");
        let fleet = RedisFleet::join(&store).await.expect("a fleet");
        let claim = fleet.claim(&key()).await.expect("a claim");
        let tidegate_core::seams::fleet::Claim::Mine { term } = claim else { panic!("{claim:?}") };
        (store, term)
    }

    /// Everything that is stored of sessions, and whether it goes by itself.
    async fn stored(shared: &Shared) -> BTreeMap<String, (String, bool)> {
        let run = async |call: Call| shared.run(call).await.expect("an answer");
        let keys = list(run(Call::at(0, "KEYS").arg("tg:{dev:*")).await).expect("keys");
        let mut found = BTreeMap::new();
        for key in keys.into_iter().map(|key| text(key).expect("text")) {
            let kind = text(run(Call::command("TYPE", &key)).await).expect("a type");
            let value = match &*kind {
                "hash" => run(Call::command("HGETALL", &key)).await,
                "zset" => run(Call::command("ZRANGE", &key).arg(&["0", "-1", "WITHSCORES"])).await,
                "stream" => run(Call::command("XRANGE", &key).arg(&["-", "+"])).await,
                _ => run(Call::command("GET", &key)).await,
            };
            let value = match value {
                Value::Map(mut pairs) => {
                    pairs.sort_by_key(|(field, _)| format!("{field:?}"));
                    Value::Map(pairs)
                }
                value => value,
            };
            let ends = run(Call::command("PTTL", &key)).await != Value::Int(-1);
            found.insert(key, (format!("{value:?}"), ends));
        }
        found
    }

    fn random_ops(random: &mut Random, term: u64) -> Vec<Op> {
        let side = Channel::side("side", Direction::Out).expect("a name");
        let channel =
            [Channel::OUT, Channel::OUT, Channel::IN, side][random.below(4) as usize].clone();
        if random.once_in(25) {
            let floor = if random.once_in(2) { Floor::Replay } else { Floor::Retention };
            return vec![Op::Trim { channel, floor, before: random.below(300) }];
        }
        let wrong = |random: &mut Random| u64::from(random.once_in(20));
        let writer = match random.below(60) {
            0 => Writer::Gateway { bump: true },
            1..=9 => Writer::Gateway { bump: false },
            10..=19 => Writer::Run { fence: random.below(3) },
            20..=24 => Writer::Guest { handovers: wrong(random) },
            _ => Writer::Client,
        };
        let frame_key = random.once_in(2).then(|| random.below(1_500).to_string());
        let records = (0..random.below(4)).map(|n| record("x".repeat(n as usize * 20))).collect();
        let owed = random.once_in(30);
        let append = Op::Append(Append { channel, writer, frame_key, records, owed });
        match random.below(4) {
            0 => vec![Op::ExpectRow { version: 1 + wrong(random) }, append],
            1 => vec![Op::ExpectTerm { term: term + wrong(random) }, append],
            _ => vec![append],
        }
    }

    /// The short script leaves exactly what the long one does, and answers the same.
    #[tokio::test]
    async fn both_ways_to_append_leave_the_same() {
        let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(1);
        println!("TIDEGATE_SEED={seed}");
        let mut random = Random::new(seed);
        let server = Redis::start(Config::new());
        let clock = ManualClock::at(START);
        let (short, term) = open(&server, 0, clock.clone()).await;
        let (long, same_term) = open(&server, 1, clock.clone()).await;
        assert_eq!(term, same_term);
        let first = Commit { session: key(), ops: vec![put_row(None, row("chat-1", 1))] };
        for store in [&short, &long] {
            store.commit(first.clone()).await.expect("done");
        }
        let (mut in_short, mut refused) = (0, 0);
        for step in 0..1_500 {
            clock.pass(if random.once_in(200) { 700_000 } else { random.below(50) });
            let commit = Commit { session: key(), ops: random_ops(&mut random, term) };
            let heard = random.once_in(2);
            let target = async |store: &RedisStore| {
                let home = Home::of(&key());
                let reign = store.shared.reign_after(0, &home).await.expect("connected");
                Target { home, reign, heard }
            };
            let (at, to) = (target(&short).await, target(&long).await);
            let quick = short.shared.commit_plain(&commit, &at).await.expect("an answer");
            in_short += u32::from(quick.is_some());
            let one = match quick {
                Some(done) => Ok(done),
                None => short.shared.commit_any(&commit, &at).await,
            };
            let other = long.shared.commit_any(&commit, &to).await;
            refused += u32::from(other.is_err());
            let landed = |done: Done| done.landed;
            if let (Ok(done), Some(Op::Append(append))) = (&one, commit.ops.last()) {
                let stream = stream_of(&key(), &append.channel);
                for Landed { appended, .. } in &done.landed {
                    short.shared.known.see(&stream, appended.first + appended.count);
                    long.shared.known.see(&stream, appended.first + appended.count);
                }
            }
            assert_eq!(one.map(landed), other.map(landed), "step {step}: {commit:?}");
            if random.once_in(100) {
                let now = clock.unix_millis();
                let dropped = short.enforce_retention(now).await;
                assert_eq!(dropped, long.enforce_retention(now).await);
            }
            if random.once_in(10) {
                assert_eq!(stored(&short.shared).await, stored(&long.shared).await, "step {step}");
            }
        }
        assert_eq!(stored(&short.shared).await, stored(&long.shared).await);
        assert!(in_short > 500 && refused > 50, "{in_short} short, {refused} refused");
    }
}
