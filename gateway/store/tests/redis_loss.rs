//! A server that loses committed records: no seq is given twice (I1).

use std::sync::Arc;

use tidegate_core::seams::StreamStore;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{
    Appended, Commit, CommitError, LeaseRequest, Op, Retention, StoreError,
};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::Record;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;
use tidegate_store::contract::fixture::{ALL, append, key, put_row, row, seqs, stream};
use tidegate_store::redis::connect::RedisUrl;
use tidegate_store::servers::{Config, Redis};
use tidegate_store::{ListenableStore, RedisStore, StoreTime};

async fn open(server: &Redis, node: &str) -> RedisStore {
    open_url(&server.url(), node).await
}

async fn open_url(url: &str, node: &str) -> RedisStore {
    let url = RedisUrl::parse(url).expect("a URL");
    let (time, clock) = (StoreTime::Server, Arc::new(SystemClock));
    let opened = RedisStore::open(url, time, clock, Retention::default(), node.to_owned()).await;
    opened.expect("a store")
}

async fn write(store: &RedisStore, bodies: &[&str]) -> Appended {
    let ops: Vec<Op> = vec![append(&Channel::OUT, bodies)];
    let committed = store.commit(Commit { session: key(), ops }).await;
    committed.expect("a commit").appends[0]
}

/// Waits until the store reaches the server again.
async fn reached(store: &RedisStore) {
    let asked = async {
        while matches!(store.owed(&key()).await, Err(StoreError::Unavailable(_))) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), asked).await.expect("reached");
}

#[tokio::test]
async fn a_server_that_forgot_all_gets_a_new_epoch_far_ahead() {
    let mut server = Redis::start(Config::new());
    let store = open(&server, "a").await;
    let before = write(&store, &["one", "two", "three"]).await;
    assert_eq!((before.epoch, before.first), (0, 0));
    server.restart();
    reached(&store).await;
    let after = write(&store, &["four"]).await;
    assert_eq!((after.epoch, after.first), (1, EPOCH_SEQ_STRIDE));
    assert_eq!(store.lost_records(), 3);
    let again = write(&store, &["five"]).await;
    assert_eq!((again.epoch, again.first), (1, after.first + 1));
    assert_eq!(store.lost_records(), 3, "what is lost is counted once");
    let records = store.read(&stream(&Channel::OUT), 0, ALL).await.expect("records");
    assert_eq!(seqs(&records), [after.first, again.first]);
}

#[tokio::test]
async fn what_was_lost_whole_is_not_given_again_by_one_that_never_saw_it() {
    let mut server = Redis::start(Config::new());
    let seen = open(&server, "a").await;
    write(&seen, &["one", "two"]).await;
    server.restart();
    reached(&seen).await;
    let other = open(&server, "b").await;
    let after = write(&other, &["three"]).await;
    assert_eq!((after.epoch, after.first), (1, EPOCH_SEQ_STRIDE));
}

#[tokio::test]
async fn a_fence_that_was_lost_is_not_given_again() {
    let mut server = Redis::start(Config::new());
    let first = open(&server, "a").await;
    let take = |holder: &str| LeaseRequest::Take { holder: holder.to_owned(), ttl_ms: 60_000 };
    let before = first.lease(&key(), take("x")).await.expect("a lease").fence;
    let next = first.lease(&key(), take("x")).await.expect("renewed").fence;
    assert_eq!((before, next), (1, 1));
    server.restart();
    reached(&first).await;
    let other = open(&server, "b").await;
    let after = other.lease(&key(), take("y")).await.expect("a lease").fence;
    assert!(after > before, "{after} after {before}");
}

#[tokio::test]
async fn a_row_that_was_lost_is_not_recalled_under_the_version_of_another() {
    let mut server = Redis::start(Config::new());
    let (a, b) = (open(&server, "a").await, open(&server, "b").await);
    let tagged = |tag: &str| SessionRow { tags: vec![tag.to_owned()], ..row(key().name(), 1) };
    let put = |expected, tag| {
        let ops = vec![put_row(expected, tagged(tag))];
        Commit { session: key(), ops }
    };
    a.commit(put(None, "first")).await.expect("a commit");
    server.ask::<()>(&["SAVE"]).expect("saved");
    a.commit(put(Some(1), "lost")).await.expect("a commit");
    server.restart();
    reached(&a).await;
    reached(&b).await;
    b.commit(put(Some(1), "kept")).await.expect("a commit");
    let row = a.recall(&key()).await.expect("an answer").expect("a row");
    assert_eq!((row.version, &row.tags[..]), (2, &["kept".to_owned()][..]));
}

#[tokio::test]
async fn keys_that_were_flushed_are_a_loss() {
    let server = Redis::start(Config::new());
    let (a, b) = (open(&server, "a").await, open(&server, "b").await);
    write(&a, &["one", "two"]).await;
    // It only looked, and knows all the same.
    b.state(&stream(&Channel::OUT)).await.expect("a state");
    server.ask::<()>(&["FLUSHALL"]).expect("flushed");
    let after = write(&b, &["three"]).await;
    assert_eq!((after.epoch, after.first), (1, 2 + EPOCH_SEQ_STRIDE));
    assert_eq!((a.lost_records(), b.lost_records()), (0, 2));
    let other = write(&a, &["four"]).await;
    assert_eq!((other.epoch, other.first), (1, after.first + 1), "the same epoch");
}

#[tokio::test]
async fn a_channel_that_was_lost_starts_beyond_what_is_known_of_another() {
    let server = Redis::start(Config::new());
    let (a, b) = (open(&server, "a").await, open(&server, "b").await);
    write(&a, &["out"]).await;
    let input = || vec![append(&Channel::IN, &["in"])];
    let commit = |ops| Commit { session: key(), ops };
    b.commit(commit(input())).await.expect("a commit");
    server.ask::<()>(&["FLUSHALL"]).expect("flushed");
    // This one never saw `.out`, and yet no seq of it is given again.
    let known = b.commit(commit(input())).await.expect("a commit").appends[0];
    let fresh = write(&b, &["out"]).await;
    assert_eq!((fresh.epoch, fresh.first), (known.epoch, known.first));
}

#[tokio::test]
async fn a_restart_that_loses_nothing_is_a_new_epoch_without_a_loss() {
    let mut server = Redis::start(Config::new().durable());
    let store = open(&server, "a").await;
    let before = write(&store, &["one", "two"]).await;
    server.restart();
    reached(&store).await;
    let after = write(&store, &["three"]).await;
    assert_eq!((after.epoch, after.first), (before.epoch + 1, EPOCH_SEQ_STRIDE));
    assert_eq!(store.lost_records(), 0);
    let records = store.read(&stream(&Channel::OUT), 0, ALL).await.expect("records");
    assert_eq!(seqs(&records), [0, 1, after.first]);
}

/// Reads from `from` until `done`.
async fn read_until(
    store: &RedisStore,
    from: u64,
    done: impl Fn(&Result<Vec<Record>, StoreError>) -> bool,
) -> Result<Vec<Record>, StoreError> {
    let reading = async {
        loop {
            let read = store.read(&stream(&Channel::OUT), from, ALL).await;
            if done(&read) {
                return read;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), reading).await.expect("as expected")
}

#[tokio::test]
async fn with_wait_nothing_is_shown_that_a_failover_could_take_back() {
    let primary = Redis::start(Config::new());
    let replica = Redis::start(Config::new().replica_of(primary.port()));
    // A primary is another one from its first replica on.
    while primary.ask::<u32>(&["WAIT", "1", "100"]).expect("an answer") < 1 {}
    let url = format!("{}?wait=1&wait_timeout_ms=1500", primary.url());
    let (writer, reader) = (open_url(&url, "a").await, open_url(&url, "b").await);
    write(&writer, &["one"]).await;
    let read = read_until(&reader, 0, Result::is_ok).await;
    assert_eq!(seqs(&read.expect("read")), [0]);
    replica.pause();
    let ops = vec![append(&Channel::OUT, &["two"])];
    let refused = writer.commit(Commit { session: key(), ops }).await;
    assert!(matches!(refused, Err(CommitError::Store(_))), "{refused:?}");
    let read = reader.read(&stream(&Channel::OUT), 0, ALL).await;
    assert_eq!(seqs(&read.expect("what replicas have")), [0]);
    let read = reader.read(&stream(&Channel::OUT), 1, ALL).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    replica.resume();
    let read = read_until(&reader, 0, |read| read.as_ref().is_ok_and(|all| all.len() == 2)).await;
    assert_eq!(seqs(&read.expect("read")), [0, 1]);
}

/// As a server does that evicts, within the second before that is noticed.
#[tokio::test]
async fn evicted_records_are_below_the_floor_and_counted() {
    let server = Redis::start(Config::new());
    let store = open(&server, "a").await;
    write(&store, &["0", "1", "2"]).await;
    let keys: Vec<String> = server.ask(&["KEYS", "*}:r:out:*"]).expect("keys");
    let [records] = &keys[..] else { panic!("{keys:?}") };
    let evict = || server.ask::<i64>(&["DEL", records]).expect("deleted");
    evict();
    let out = stream(&Channel::OUT);
    assert_eq!(store.read(&out, 0, ALL).await, Ok(vec![]));
    let state = store.state(&out).await.expect("a state");
    assert_eq!((state.retention_floor, state.replay_floor, state.tail), (3, 3, 3));
    assert_eq!((store.lost_records(), state.bytes), (3, 0));
    assert_eq!(write(&store, &["3", "4"]).await.first, 3);
    evict();
    // Nobody read in between.
    assert_eq!(write(&store, &["5"]).await.first, 5);
    assert_eq!(seqs(&store.read(&out, 4, ALL).await.expect("records")), [5]);
    let state = store.state(&out).await.expect("a state");
    assert_eq!((state.retention_floor, state.tail), (5, 6));
    assert_eq!(store.lost_records(), 5);
    let life: i64 = server.ask(&["PTTL", records]).expect("a life");
    assert!(life > 0, "{life}");
}

#[tokio::test]
async fn full_memory_is_refused_and_room_can_be_made() {
    let server = Redis::start(Config::new().maxmemory(100_000_000, "noeviction"));
    let store = open(&server, "a").await;
    write(&store, &["0"]).await;
    write(&store, &["1"]).await;
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]).expect("set");
    for channel in [Channel::OUT, Channel::IN] {
        let ops = vec![append(&channel, &["2"])];
        let refused = store.commit(Commit { session: key(), ops }).await.expect_err("full");
        assert!(refused.to_string().contains("OOM"), "{refused}");
    }
    let records = store.read(&stream(&Channel::OUT), 0, ALL).await.expect("records");
    assert_eq!(seqs(&records), [0, 1], "what is there can be read");
    store.enforce_retention(0).await.expect("swept");
    store.delete(&key()).await.expect("deleted");
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "100000000"]).expect("set");
    write(&store, &["2"]).await;
}
