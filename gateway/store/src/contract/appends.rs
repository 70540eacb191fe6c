//! Appends and reads: places, timestamps, limits.

use std::sync::Arc;

use parking_lot::Mutex;
use tidegate_core::seams::store::{
    Append, Appended, CommitError, CommitListener, Op, ReadLimit, StreamState, Writer,
};
use tidegate_protocol::ids::{Channel, Direction, StreamId};
use tidegate_protocol::limits::{RECORD_MAX_BYTES, RECORD_OVERHEAD_BYTES};
use tidegate_protocol::{NewRecord, Record};

use super::factory::StoreFactory;
use super::fixture::{ALL, Fixture, START, append, bodies, record, seqs, stream};

/// Seqs are dense from 0 in each stream, whatever the batches; content comes back unchanged.
pub async fn records_get_dense_places(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let side = Channel::side("a.b", Direction::Out).expect("a name");
    let mut full = record("with headers");
    full.headers = vec![(String::new(), "trim".into()), ("n".into(), "ü".into())];
    let appended = at.done(vec![append(&Channel::OUT, &["0", "1"]), append(&side, &["s"])]).await;
    let answer =
        |first, count| Appended { epoch: 0, first, count, timestamp: START, repeated: false };
    assert_eq!(appended.appends, [answer(0, 2), answer(0, 1)]);
    let op = Append {
        channel: Channel::OUT,
        writer: Writer::Client,
        frame_key: None,
        records: vec![full.clone()],
        owed: false,
    };
    assert_eq!(at.done(vec![Op::Append(op)]).await.appends, [answer(2, 1)]);
    let at = at.reopen(factory).await;
    let records = at.read(&Channel::OUT, 0).await;
    assert_eq!(seqs(&records), [0, 1, 2]);
    assert_eq!(records[2], full.at(2, START));
    assert_eq!(bodies(&at.read(&side, 0).await), ["s"]);
    assert_eq!(at.done(vec![append(&Channel::OUT, &["3"])]).await.appends, [answer(3, 1)]);
}

/// A timestamp is never below the one before it, even if the clock goes back.
pub async fn timestamps_never_decrease(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&Channel::OUT, &["a"])]).await;
    at.clock.set(START - 5_000);
    let at = at.reopen(factory).await;
    let appended = at.done(vec![append(&Channel::OUT, &["b"])]).await;
    assert_eq!(appended.appends[0].timestamp, START);
    at.clock.set(START + 1);
    at.done(vec![append(&Channel::OUT, &["c"])]).await;
    let times: Vec<_> = at.read(&Channel::OUT, 0).await.iter().map(|r| r.timestamp).collect();
    assert_eq!(times, [START, START, START + 1]);
}

/// The state tells tail, bytes and newest timestamp; what was never written has the default.
pub async fn state_tells_where_a_stream_stands(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    assert_eq!(at.state(&Channel::OUT).await, StreamState::default());
    at.done(vec![append(&Channel::OUT, &["abc", "de"])]).await;
    let expected = StreamState {
        tail: 2,
        bytes: 2 * RECORD_OVERHEAD_BYTES as u64 + 5,
        last_timestamp: START,
        ..StreamState::default()
    };
    assert_eq!(at.state(&Channel::OUT).await, expected);
    assert_eq!(at.state(&Channel::IN).await, StreamState::default());
    let at = at.reopen(factory).await;
    assert_eq!(at.state(&Channel::OUT).await, expected);
}

/// A read starts at its seq also inside a batch, keeps its limits, and ends at the tail.
pub async fn reads_are_bounded(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&Channel::OUT, &["a", "b", "c"])]).await;
    at.done(vec![append(&Channel::OUT, &["d"])]).await;
    let read = async |from, records, bytes| {
        let limit = ReadLimit { records, bytes };
        let read = at.store.read(&stream(&Channel::OUT), from, limit).await.expect("records");
        seqs(&read)
    };
    let each = RECORD_OVERHEAD_BYTES + 1;
    assert_eq!(read(1, 2, usize::MAX).await, [1, 2]);
    assert_eq!(read(2, 9, usize::MAX).await, [2, 3]);
    assert_eq!(read(0, 9, 3 * each).await, [0, 1, 2]);
    assert_eq!(read(0, 9, 3 * each - 1).await, [0, 1]);
    assert_eq!(read(3, 0, 0).await, [3], "one record is given whatever the limits");
    assert!(read(4, 9, usize::MAX).await.is_empty());
    assert!(read(u64::MAX, 9, usize::MAX).await.is_empty());
    let unknown = stream(&Channel::IN);
    assert_eq!(at.store.read(&unknown, 0, ALL).await, Ok(Vec::new()));
}

/// A record over the limit is refused, and everything beside it.
pub async fn large_records_are_refused(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let largest = "x".repeat(RECORD_MAX_BYTES - RECORD_OVERHEAD_BYTES);
    at.done(vec![append(&Channel::OUT, &[&largest])]).await;
    let larger = format!("{largest}y");
    let error = at.commit(vec![append(&Channel::OUT, &["small", &larger])]).await;
    assert_eq!(error, Err(CommitError::RecordTooLarge { bytes: RECORD_MAX_BYTES + 1 }));
    assert_eq!(at.state(&Channel::OUT).await.tail, 1);
    let stored = at.reopen(factory).await.read(&Channel::OUT, 0).await;
    assert_eq!(stored[0].body.len(), largest.len());
}

/// Concurrent appends to one stream get distinct dense places, each batch in one piece.
pub async fn concurrent_appends_do_not_mix(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let tasks = (0..20).map(|task| {
        let store = at.store.clone();
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for i in 0..10 {
                let body = format!("{task}-{i}");
                let ops = vec![append(&Channel::OUT, &[&body, &body])];
                let commit =
                    tidegate_core::seams::store::Commit { session: super::fixture::key(), ops };
                let committed = store.commit(commit).await.expect("a commit");
                answers.push((committed.appends[0].first, body));
            }
            answers
        })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.extend(task.await.expect("a task"));
    }
    let records = at.read(&Channel::OUT, 0).await;
    assert_eq!(seqs(&records), (0..400).collect::<Vec<_>>());
    for (first, body) in answers {
        let pair = &records[first as usize..first as usize + 2];
        assert_eq!(bodies(pair), [&body, &body]);
    }
}

/// The listener gets every batch in order, once it can be read.
pub async fn the_listener_hears_every_batch(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&Channel::OUT, &["before"])]).await;
    let heard = Arc::new(Heard::default());
    at.store.set_listener(heard.clone());
    at.done(vec![append(&Channel::OUT, &["a", "b"]), append(&Channel::IN, &["i"])]).await;
    at.done(vec![append(&Channel::OUT, &["c"])]).await;
    let none = at.commit(vec![append(&Channel::OUT, &["no"]), fenced()]).await;
    assert!(none.is_err());
    let heard = heard.0.lock().clone();
    let out: Vec<_> = heard.iter().filter(|(id, _)| *id == stream(&Channel::OUT)).collect();
    let batches: Vec<_> = out.iter().map(|(_, records)| bodies(records)).collect();
    assert_eq!(batches, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(out.iter().map(|(_, r)| r[0].seq_num).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(heard.len(), 3);
}

fn fenced() -> Op {
    super::fixture::append_as(&Channel::OUT, Writer::Run { fence: 99 }, &["fenced"])
}

/// Remembers what it was told.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(StreamId, Vec<Record>)>>);

impl CommitListener for Heard {
    fn committed(&self, stream: &StreamId, records: &Arc<[Record]>) {
        self.0.lock().push((stream.clone(), records.to_vec()));
    }
}

/// An append without records writes nothing.
pub async fn an_empty_append_writes_nothing(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&Channel::OUT, &["a"])]).await;
    let appended = at.done(vec![append(&Channel::OUT, &[])]).await;
    assert_eq!((appended.appends[0].first, appended.appends[0].count), (1, 0));
    let at = at.reopen(factory).await;
    assert_eq!(at.state(&Channel::OUT).await.tail, 1);
    let empty = NewRecord::default();
    let op = Append {
        channel: Channel::OUT,
        writer: Writer::Client,
        frame_key: None,
        records: vec![empty.clone()],
        owed: false,
    };
    at.done(vec![Op::Append(op)]).await;
    assert_eq!(at.read(&Channel::OUT, 1).await, [empty.at(1, START)]);
}
