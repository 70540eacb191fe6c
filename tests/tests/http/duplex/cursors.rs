//! I1 over the duplex binding: for every cursor, what was read before it and what a subscription
//! brings is the log; and the same where the transport changes at the cursor (R-DPX-29).

use serde_json::json;
use tidegate_protocol::Record;

use crate::chat::{Chat, without_token};
use crate::duplex::start::{gate, gate_of};
use crate::duplex::wire::{Via, Wire, over_each};
use crate::harness::{Gate, KEY};
use crate::plan::Plan;

over_each! {
    i1_every_cursor_in_memory
    i1_every_cursor_on_disk
    where_a_subscription_starts
    an_answer_is_followed_live_and_the_boundary_has_a_token
}

/// A chat of three turns, as SSE shows it.
async fn record(gate: &Gate) -> Vec<Record> {
    let mut chat = Chat::new(gate, "c").await;
    let mut log = Vec::new();
    for (index, question) in ["hello \u{2028} 🎈", "/steps 2", "/reason why"].iter().enumerate() {
        let seq = chat.say(&format!("u{index}"), question).await;
        log.extend(chat.answer_to(seq).await);
    }
    log.into_iter().map(without_token).collect()
}

async fn every_cursor(plan: Plan, via: Via) {
    let gate = gate_of(&plan, |_| {}).await;
    let log = record(&gate).await;
    let mut wire = Wire::new(&gate, via).await;
    // All of them at once on one connection: none hears what another one is sent.
    let ids = 1..log.len() as u64;
    for k in ids.clone() {
        let ack = wire.subscribe(k, "c", json!({"after": k - 1})).await;
        assert_eq!((&ack["from"], &ack["tail"]), (&json!(k), &json!(log.len())));
        assert_eq!(ack.get("settled"), None);
        let rest = wire.records(k, log.len() - k as usize).await;
        let rest: Vec<_> = rest.into_iter().map(without_token).collect();
        assert_eq!(rest, log[k as usize..], "after {}", k - 1);
    }
    // And live: each gets what comes.
    gate.emit("c", &["more"]).await;
    let mut missing: Vec<u64> = ids.collect();
    while !missing.is_empty() {
        let frame = wire.next().await;
        let seqs: Vec<u64> =
            crate::duplex::wire::records(&frame).iter().map(|r| r.seq_num).collect();
        assert_eq!(seqs, [log.len() as u64]);
        missing.retain(|id| frame["id"] != *id);
    }
}

async fn i1_every_cursor_in_memory(via: Via) {
    every_cursor(Plan::default(), via).await;
}

async fn i1_every_cursor_on_disk(via: Via) {
    let (plan, _folder) = Plan::on_disk();
    every_cursor(plan, via).await;
}

/// A way to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Sse,
    Duplex(Via),
}

/// `count` records after seq 0 or another `cursor`, and then the reader is gone.
async fn read(gate: &Gate, how: How, cursor: u64, count: usize) -> Vec<Record> {
    if count == 0 {
        return Vec::new();
    }
    let records = match how {
        How::Sse => {
            let cursor = cursor.to_string();
            let path = "/realtime/v1/sessions/c/out";
            let headers = [("last-event-id", cursor.as_str())];
            gate.as_bearer(KEY).read(path, &headers).await.take(count).await
        }
        How::Duplex(via) => {
            let mut wire = Wire::new(gate, via).await;
            wire.subscribe(1, "c", json!({"after": cursor})).await;
            let mut records = Vec::new();
            while records.len() < count {
                records.extend(wire.records_of(1).await);
            }
            // Of a batch that is cut, the rest is read again.
            records.truncate(count);
            records
        }
    };
    records.into_iter().map(without_token).collect()
}

#[tokio::test]
async fn i1_the_transport_may_change_at_any_record() {
    let gate = gate().await;
    let log = record(&gate).await;
    let ways = [How::Sse, How::Duplex(Via::WebSocket), How::Duplex(Via::WebTransport)];
    let pairs = ways.iter().flat_map(|from| ways.map(|to| (*from, to)));
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        for k in 1..log.len() {
            let mut seen = log[..1].to_vec();
            seen.extend(read(&gate, from, 0, k - 1).await);
            seen.extend(read(&gate, to, k as u64 - 1, log.len() - k).await);
            assert_eq!(seen, log, "{from:?}, then {to:?} at {k}");
        }
    }
}

async fn where_a_subscription_starts(via: Via) {
    let gate = gate().await;
    let log = record(&gate).await;
    let mut wire = Wire::new(&gate, via).await;
    let floor = wire.subscribe(1, "c", json!({"peek": true})).await;
    assert_eq!(floor["settled"], true);
    let first = wire.records(1, log.len() - floor["from"].as_u64().expect("a seq") as usize).await;
    assert_eq!(first[0].seq_num, floor["from"]);
    let latest = wire.subscribe(2, "c", json!({"start": "latest", "channel": "out"})).await;
    assert_eq!(latest["from"], log.len());
    let all = wire.subscribe(6, "c", json!({"from": 0})).await;
    assert_eq!(all["from"], 0);
    let records = wire.records(6, log.len()).await;
    assert_eq!(records.into_iter().map(without_token).collect::<Vec<_>>(), log);
    let two = wire.ask(json!({"t": "subscribe", "session": "c", "from": 1, "after": 0})).await;
    assert_eq!(two["code"], "invalid_cursor");
    let inputs = wire.subscribe(3, "c", json!({"channel": "in"})).await;
    assert_eq!(inputs["from"], 0);
    assert_eq!(wire.records(3, 3).await.len(), 3);
    // A session that is yet to be made is waited for.
    let early = wire.subscribe(4, "later", json!({})).await;
    assert_eq!((&early["from"], &early["tail"]), (&json!(0), &json!(0)));
    gate.create("later").await;
    gate.emit("later", &["x"]).await;
    assert_eq!(wire.records(4, 1).await[0].seq_num, 0);
    let side = json!({"side": "debug", "channel": "out"});
    wire.subscribe(5, "c", side).await;
    let appended = json!({"t": "append", "session": "c", "side": "debug", "channel": "out",
        "body": "on the side"});
    assert_eq!(wire.ask(appended).await["seq"], 0);
    assert_eq!(wire.records(5, 1).await.len(), 1);
}

async fn an_answer_is_followed_live_and_the_boundary_has_a_token(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    let token = gate.token(&["read:sessions:c", "write:sessions:c"]);
    let (mut writer, reads) =
        (Wire::with(&gate, via, &token).await, gate.token(&["read:sessions:c"]));
    let mut reader = Wire::with(&gate, via, &reads).await;
    writer.subscribe(1, "c", json!({})).await;
    reader.subscribe(1, "c", json!({})).await;
    let seq = chat.say("u1", "/words 50 1").await;
    let mut logs = Vec::new();
    for wire in [&mut writer, &mut reader] {
        let mut log = Vec::new();
        while !log.iter().any(|record| crate::chat::floor(record) == Some(seq)) {
            let frame = wire.next_of(1).await;
            log.extend(crate::duplex::wire::records(&frame));
        }
        logs.push(log);
    }
    let tokens = |log: &[Record]| {
        log.iter().filter(|record| record.header("public-access-token").is_some()).count()
    };
    assert_eq!((tokens(&logs[0]), tokens(&logs[1])), (1, 0));
    let bare = |log: &[Record]| log.iter().cloned().map(without_token).collect::<Vec<_>>();
    assert_eq!(bare(&logs[0]), logs[1]);
}
