//! I1 over the duplex binding: for every cursor, what was read before it and what a subscription
//! brings is the log; and the same where the transport changes at the cursor (R-DPX-29).

use serde_json::json;
use tidegate_protocol::Record;
use tidegate_protocol::duplex::PATH;

use crate::chat::{Chat, without_token};
use crate::harness::{Gate, KEY};
use crate::plan::Plan;
use crate::wire::Wire;

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

async fn every_cursor(plan: Plan) {
    let gate = Gate::of(&plan).await;
    let log = record(&gate).await;
    let mut wire = Wire::new(&gate).await;
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
        let seqs: Vec<u64> = crate::wire::records(&frame).iter().map(|r| r.seq_num).collect();
        assert_eq!(seqs, [log.len() as u64]);
        missing.retain(|id| frame["id"] != *id);
    }
}

#[tokio::test]
async fn i1_every_cursor_in_memory() {
    every_cursor(Plan::default()).await;
}

#[tokio::test]
async fn i1_every_cursor_on_disk() {
    let (plan, _folder) = Plan::on_disk();
    every_cursor(plan).await;
}

#[tokio::test]
async fn i1_the_transport_may_change_at_any_record() {
    let gate = Gate::start().await;
    let log = record(&gate).await;
    let client = gate.as_bearer(KEY);
    for k in 1..log.len() {
        let (cursor, id) = ((k - 1).to_string(), 1);
        // SSE up to the cursor, then a socket.
        let mut sse = client.read("/realtime/v1/sessions/c/out", &[("last-event-id", "0")]).await;
        let mut seen = log[..1].to_vec();
        seen.extend(sse.take(k - 1).await);
        let mut wire = Wire::new(&gate).await;
        wire.subscribe(id, "c", json!({"after": k - 1})).await;
        seen.extend(wire.records(id, log.len() - k).await);
        let seen: Vec<_> = seen.into_iter().map(without_token).collect();
        assert_eq!(seen, log, "SSE then {PATH} at {k}");
        // A socket, then SSE.
        let mut back =
            client.read("/realtime/v1/sessions/c/out", &[("last-event-id", &cursor)]).await;
        let rest: Vec<_> = back.take(log.len() - k).await.into_iter().map(without_token).collect();
        assert_eq!(rest, log[k..], "{PATH} then SSE at {k}");
    }
}

#[tokio::test]
async fn where_a_subscription_starts() {
    let gate = Gate::start().await;
    let log = record(&gate).await;
    let mut wire = Wire::new(&gate).await;
    let floor = wire.subscribe(1, "c", json!({"peek": true})).await;
    assert_eq!(floor["settled"], true);
    let first = wire.records(1, log.len() - floor["from"].as_u64().expect("a seq") as usize).await;
    assert_eq!(first[0].seq_num, floor["from"]);
    let latest = wire.subscribe(2, "c", json!({"start": "latest", "channel": "out"})).await;
    assert_eq!(latest["from"], log.len());
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

#[tokio::test]
async fn an_answer_is_followed_live_and_the_boundary_has_a_token() {
    let gate = Gate::start().await;
    let chat = Chat::new(&gate, "c").await;
    let token = gate.token(&["read:sessions:c", "write:sessions:c"]);
    let (mut writer, reads) = (Wire::with(&gate, &token).await, gate.token(&["read:sessions:c"]));
    let mut reader = Wire::with(&gate, &reads).await;
    writer.subscribe(1, "c", json!({})).await;
    reader.subscribe(1, "c", json!({})).await;
    let seq = chat.say("u1", "/words 50 1").await;
    let mut logs = Vec::new();
    for wire in [&mut writer, &mut reader] {
        let mut log = Vec::new();
        while !log.iter().any(|record| crate::chat::floor(record) == Some(seq)) {
            let frame = wire.next_of(1).await;
            log.extend(crate::wire::records(&frame));
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
