//! Writers of the crash tests: each has a session and numbers its commits. A commit touches
//! everything that must stay together, so that half of one would show.
#![allow(dead_code, reason = "each test uses its own part")]

use bytes::Bytes;
use tidegate_core::seams::StreamStore;
use tidegate_core::seams::store::{
    Append, Commit, CommitError, Committed, Fate, Op, ReadLimit, Writer,
};
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::{NewRecord, Record};

/// No limit.
pub(crate) const ALL: ReadLimit = ReadLimit { records: usize::MAX, bytes: usize::MAX };

/// The session of `writer`.
pub(crate) fn session(writer: u64) -> SessionKey {
    SessionKey::new("dev", &format!("writer-{writer}"))
}

/// Makes commit `number` of `writer`.
pub(crate) async fn write(
    store: &(impl StreamStore + ?Sized),
    writer: u64,
    number: u64,
) -> Result<Committed, CommitError> {
    let output = (0..output_of(number)).map(|part| body(number, part)).collect();
    let ops = vec![
        append(Channel::OUT, output, false),
        append(Channel::IN, vec![body(number, 0)], true),
        Op::PutBlob { name: "last".into(), bytes: number.to_string().into() },
        // Every input but the newest is settled.
        Op::Settle(number.checked_sub(1).map(|seq| (seq, Fate::Consumed)).into_iter().collect()),
    ];
    store.commit(Commit { session: session(writer), ops }).await
}

/// The number of the next commit of `writer`.
pub(crate) async fn next_commit(store: &(impl StreamStore + ?Sized), writer: u64) -> u64 {
    last_commit(store, writer).await.map_or(0, |last| last + 1)
}

/// Checks that the commits of `writer` are there whole, from the first to some last one, which
/// is the answer.
pub(crate) async fn check_writer(store: &(impl StreamStore + ?Sized), writer: u64) -> Option<u64> {
    let last = last_commit(store, writer).await;
    let commits = last.map_or(0, |last| last + 1);
    let expected: Vec<_> = (0..commits)
        .flat_map(|number| (0..output_of(number)).map(move |part| body(number, part)))
        .collect();
    check_records(&read(store, writer, Channel::OUT).await, &expected);
    let expected: Vec<_> = (0..commits).map(|number| body(number, 0)).collect();
    check_records(&read(store, writer, Channel::IN).await, &expected);
    let owed = store.owed(&session(writer)).await.expect("what is owed");
    assert_eq!(owed, last.into_iter().collect::<Vec<_>>());
    let fates = store.fates(&session(writer), 0, usize::MAX).await.expect("fates");
    let settled: Vec<_> = (0..last.unwrap_or(0)).map(|seq| (seq, Fate::Consumed)).collect();
    assert_eq!(fates, settled);
    last
}

fn check_records(records: &[Record], bodies: &[NewRecord]) {
    assert_eq!(records.len(), bodies.len());
    for (seq, (record, expected)) in (0..).zip(records.iter().zip(bodies)) {
        assert_eq!((record.seq_num, &record.body), (seq, &expected.body));
    }
}

async fn read(store: &(impl StreamStore + ?Sized), writer: u64, channel: Channel) -> Vec<Record> {
    let stream = StreamId { session: session(writer), channel };
    store.read(&stream, 0, ALL).await.expect("records")
}

async fn last_commit(store: &(impl StreamStore + ?Sized), writer: u64) -> Option<u64> {
    let blob = store.blob(&session(writer), "last").await.expect("a blob or none");
    let text = blob.as_deref().map(|blob| std::str::from_utf8(blob).expect("text"));
    text.map(|text| text.parse().expect("a number"))
}

fn output_of(number: u64) -> u64 {
    1 + number % 3
}

fn append(channel: Channel, records: Vec<NewRecord>, owed: bool) -> Op {
    let writer = Writer::Client;
    Op::Append(Append { channel, writer, frame_key: None, records, owed })
}

/// Up to some pages, so that commits start and end anywhere in one and hold whole ones.
fn body(number: u64, part: u64) -> NewRecord {
    let size = (number * 7_919 + part * 104_729) % 20_000;
    let text = format!("{number}.{part} ").repeat(1 + size as usize / 8);
    NewRecord { headers: Vec::new(), body: Bytes::from(text) }
}
