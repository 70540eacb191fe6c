//! A Cluster that moves the slot of a session: what is refused is not half done.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::seams::StreamStore;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{
    Append, Commit, CommitError, Fate, Op, Retention, StoreError, Writer,
};
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::{Channel, partition_of};
use tidegate_store::contract::fixture::{ALL, append, key, seqs, stream};
use tidegate_store::redis::connect::{RedisUrl, slot_of};
use tidegate_store::servers::{Cluster, Config};
use tidegate_store::{RedisStore, StoreTime};

/// Nobody waits so long for an answer.
const HANG: Duration = Duration::from_secs(30);

fn input(id: &str) -> Commit {
    let append = Append {
        channel: Channel::IN,
        writer: Writer::Client,
        frame_key: Some(id.to_owned()),
        records: vec![NewRecord::data(br#"{"kind":"message"}"#, id)],
        owed: true,
    };
    Commit { session: key(), ops: vec![Op::Append(append)] }
}

async fn open(cluster: &Cluster) -> RedisStore {
    let url = RedisUrl::parse(&cluster.url()).expect("a URL");
    let (time, clock) = (StoreTime::Server, Arc::new(SystemClock));
    let store = RedisStore::open(url, time, clock, Retention::default(), "a".to_owned()).await;
    store.expect("a store")
}

/// The session's slot.
fn slot() -> u16 {
    let tag = format!("{}:{:02x}", key().environment(), partition_of(key().name()));
    slot_of(tag.as_bytes())
}

#[tokio::test]
async fn words_whose_keys_have_moved_wait_for_their_slot() {
    let cluster = Cluster::start(Config::new(), false).await;
    let store = open(&cluster).await;
    let write = async |word: &str| {
        let ops: Vec<Op> = vec![append(&Channel::OUT, &[word])];
        let committing = store.commit(Commit { session: key(), ops });
        tokio::time::timeout(HANG, committing).await.expect("an answer")
    };
    let first = write("one").await.expect("a commit").appends[0].first;
    let (slot, from) = (slot(), cluster.server_of(slot()));
    let to = (from + 1) % 3;
    cluster.begin_move(slot, to);
    cluster.move_keys(slot, from, to);
    let refused = write("two").await;
    let unavailable = matches!(refused, Err(CommitError::Store(StoreError::Unavailable(_))));
    assert!(unavailable, "{refused:?}");
    cluster.move_slot(slot, to);
    let last = write("three").await.expect("a commit").appends[0].first;
    let records = store.read(&stream(&Channel::OUT), 0, ALL).await.expect("records");
    assert_eq!(seqs(&records), [first, last]);
}

#[tokio::test]
async fn an_input_lands_once_and_wholly() {
    let cluster = Cluster::start(Config::new(), false).await;
    let store = open(&cluster).await;
    let first = store.commit(input("one")).await.expect("a commit").appends[0].first;
    let settle = Op::Settle(vec![(first, Fate::Consumed)]);
    store.commit(Commit { session: key(), ops: vec![settle] }).await.expect("settled");
    // The head, the records and the frames are there, and no key of what is owed.
    let slot = slot();
    let to = (cluster.server_of(slot) + 1) % 3;
    cluster.begin_move(slot, to);
    let refused = store.commit(input("two")).await;
    let unavailable = matches!(refused, Err(CommitError::Store(StoreError::Unavailable(_))));
    assert!(unavailable, "{refused:?}");
    cluster.move_slot(slot, to);
    let landed = store.commit(input("two")).await.expect("a commit").appends[0];
    assert!(!landed.repeated, "it was not done before");
    let records = store.read(&stream(&Channel::IN), 0, ALL).await.expect("records");
    assert_eq!(seqs(&records), [first, landed.first]);
    assert_eq!(store.owed(&key()).await.expect("owed"), [landed.first]);
}
