//! I1 over SSE: for every cursor, what was read before it and what a resume reads is the log.

use futures_util::future::join_all;
use serde_json::json;
use tidegate_core::seams::store::{Append, Commit, Op, Writer};
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_protocol::{NewRecord, Record, control};

use crate::harness::Gate;

const OUT: &str = "/realtime/v1/sessions/c/out";

/// A turn's records: text, reasoning, a tool, an error, a boundary, a keep-alive.
fn records() -> Vec<NewRecord> {
    let chunks = [
        json!({"type": "start", "messageId": "m"}),
        json!({"type": "reasoning-start", "id": "r"}),
        json!({"type": "reasoning-delta", "id": "r", "delta": "hm \n\u{2028} \"x\""}),
        json!({"type": "text-start", "id": "t"}),
        json!({"type": "text-delta", "id": "t", "delta": "äöü 🎈"}),
        json!({"type": "tool-input-available", "toolCallId": "c", "toolName": "n", "input": {}}),
        json!({"type": "error", "errorText": "no"}),
    ];
    let data = chunks.iter().enumerate();
    let mut all: Vec<NewRecord> = data
        .map(|(index, chunk)| NewRecord::data(chunk.to_string().as_bytes(), &format!("p{index}")))
        .collect();
    all.insert(4, control::keep_alive());
    all.push(control::boundary(Some(0), Some(0), None));
    all
}

pub(crate) async fn commit(gate: &Gate, records: Vec<NewRecord>) {
    let append = Append {
        channel: Channel::OUT,
        writer: Writer::Client,
        frame_key: None,
        records,
        owed: false,
    };
    let commit = Commit { session: SessionKey::new("dev", "c"), ops: vec![Op::Append(append)] };
    gate.gateway.store().commit(commit).await.expect("committed");
}

/// What a read from `cursor` gives, up to the log's end.
async fn read(gate: &Gate, cursor: Option<u64>, count: usize) -> Vec<Record> {
    let text = cursor.map(|seq| seq.to_string());
    let headers: Vec<_> = text.iter().map(|text| ("last-event-id", text.as_str())).collect();
    // A watcher, so that boundaries are bare: the log itself.
    let watcher = gate.as_bearer(&gate.token(&["read:sessions:c"]));
    watcher.read(OUT, &headers).await.take(count).await
}

#[tokio::test]
async fn i1_every_cursor_resumes_wherever_batches_are_split() {
    let turn = records();
    // Every split of the turn into batches of one size, one turn after the other in one log.
    let gate = Gate::start().await;
    gate.create("c").await;
    // A reader from the start keeps the ring warm; resumes read the ring and the store.
    let watcher = gate.as_bearer(&gate.token(&["read:sessions:c"]));
    let mut live = watcher.read(OUT, &[]).await;
    for size in 1..=turn.len() {
        for batch in turn.chunks(size) {
            commit(&gate, batch.to_vec()).await;
        }
    }
    let total = turn.len() * turn.len();
    let log = live.take(total).await;
    assert!(log.iter().enumerate().all(|(at, record)| record.seq_num == at as u64));
    assert_eq!(read(&gate, None, total).await, log);
    for cursors in (0..total - 1).collect::<Vec<_>>().chunks(16) {
        let resumes = cursors.iter().map(|k| read(&gate, Some(*k as u64), total - 1 - k));
        for (k, rest) in cursors.iter().zip(join_all(resumes).await) {
            assert_eq!(rest, log[k + 1..], "after {k}");
        }
    }
}

#[tokio::test]
async fn i1_a_reader_that_comes_and_goes_misses_nothing() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let mut got: Vec<Record> = Vec::new();
    for record in records().into_iter().cycle().take(60) {
        commit(&gate, vec![record]).await;
        let cursor = got.last().map(|record| record.seq_num);
        got.extend(read(&gate, cursor, 1).await);
    }
    assert!(got.iter().enumerate().all(|(at, record)| record.seq_num == at as u64));
    assert_eq!(read(&gate, None, 60).await, got);
}

#[tokio::test]
async fn a_client_that_has_nothing_yet_can_say_so() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["0", "1"]).await;
    for (from, first) in [("0", 0), ("1", 1)] {
        let mut events = gate.client().read(OUT, &[("tidegate-from", from)]).await;
        assert_eq!(events.next().await.expect("a record").seq_num, first);
    }
    // A cursor goes first.
    let both = [("tidegate-from", "0"), ("last-event-id", "0")];
    let mut events = gate.client().read(OUT, &both).await;
    assert_eq!(events.next().await.expect("a record").seq_num, 1);
    for bad in ["-1", "x", "9007199254740992"] {
        let answer = gate.client().call("GET", OUT, &[("tidegate-from", bad)], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_cursor"), "{bad}");
    }
}

#[tokio::test]
async fn a_slow_reader_gets_everything_from_the_store() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let mut slow = gate.client().read(OUT, &[]).await;
    let big = "x".repeat(20_000);
    let chunk = json!({"type": "text-delta", "id": "t", "delta": big}).to_string();
    for index in 0..200 {
        commit(&gate, vec![NewRecord::data(chunk.as_bytes(), &index.to_string())]).await;
    }
    let all = slow.take(200).await;
    assert!(all.iter().enumerate().all(|(at, record)| record.seq_num == at as u64));
}
