//! A request over the duplex binding is refused as the same request over HTTP is (R-DPX-6,
//! R-DPX-7), and harms nothing else.

use serde_json::{Value, json};
use tidegate_protocol::limits::DUPLEX_SUBSCRIPTIONS_MAX;

use crate::chat::Chat;
use crate::duplex::start::{gate, gate_with};
use crate::duplex::wire::{Via, Wire, over_each};
use crate::harness::FOREIGN_KEY;

over_each! {
    codes_are_those_of_http
    an_id_names_one_thing_at_a_time
    what_is_no_subscription_is_not_ended
    subscriptions_are_bounded
    streams_count_as_those_of_sse_do
}

async fn codes_are_those_of_http(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    gate.create("closed").await;
    gate.client().post("/api/v1/sessions/closed/close", r#"{"reason":"done"}"#).await;
    let reads = gate.token(&["read:sessions:c"]);
    let writes = gate.token(&["write:sessions:c", "write:sessions:closed", "write:sessions:no"]);
    let append = |session: &str| json!({"t": "append", "session": session, "body": "x"});
    let subscribe = |session: &str| json!({"t": "subscribe", "session": session});
    let with = |mut frame: Value, key: &str, value: Value| {
        frame[key] = value;
        frame
    };
    let side = with(append("c"), "side", json!("a/b"));
    for (token, request, code) in [
        (&reads, append("c"), "unauthorized"),
        (&reads, append("no"), "unauthorized"),
        (&writes, append("no"), "session_not_found"),
        (&writes, append("closed"), "session_closed"),
        (&writes, subscribe("c"), "unauthorized"),
        (&reads, with(subscribe("c"), "channel", json!("in")), "unauthorized"),
        (&reads, subscribe("session_nobody"), "unauthorized"),
        (&FOREIGN_KEY.to_owned(), subscribe("session_nobody"), "session_not_found"),
        (&writes, with(append("c"), "channel", json!("up")), "invalid_parameter"),
        (&writes, with(append("c"), "channel", json!("out")), "unauthorized"),
        (&writes, side, "invalid_parameter"),
        (&writes, append(" "), "invalid_parameter"),
        (&writes, with(append("c"), "part", json!("x".repeat(257))), "invalid_parameter"),
        (&reads, with(subscribe("c"), "after", json!(1_u64 << 53)), "invalid_cursor"),
        (&reads, with(subscribe("c"), "start", json!("now")), "invalid_parameter"),
        (&reads, with(subscribe("c"), "window", json!(0)), "invalid_parameter"),
    ] {
        let mut wire = Wire::with(&gate, via, token).await;
        let answer = wire.ask(request.clone()).await;
        assert_eq!((&answer["t"], &answer["code"]), (&json!("error"), &json!(code)), "{request}");
        if code == "session_closed" {
            assert_eq!(answer["closed_reason"], "done");
        }
        wire.send(&json!({"t": "ping", "n": 1})).await;
        assert_eq!(wire.next().await["t"], "pong");
    }
    let page = gate.client().get(&chat.path("in/records")).await.json();
    assert_eq!(page["records"], json!([]));
}

async fn an_id_names_one_thing_at_a_time(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    for frame in [
        json!({"t": "subscribe", "id": 1, "session": "c"}),
        json!({"t": "append", "id": 1, "session": "c", "body": "x"}),
    ] {
        wire.send(&frame).await;
        let answer = wire.next_of(1).await;
        assert_eq!((&answer["t"], &answer["code"]), (&json!("error"), &json!("invalid_body")));
    }
    gate.emit("c", &["goes on"]).await;
    assert_eq!(wire.records(1, 1).await.len(), 1);
    // Once it has ended, its id is free, also while what it named is still being opened.
    wire.send_together(&[
        json!({"t": "unsubscribe", "id": 1}),
        json!({"t": "subscribe", "id": 1, "session": "c", "start": "latest"}),
        json!({"t": "unsubscribe", "id": 1}),
        json!({"t": "subscribe", "id": 1, "session": "c", "after": 0}),
    ])
    .await;
    let mut acks = Vec::new();
    while acks.iter().filter(|ack| **ack == json!({"t": "ack", "id": 1})).count() < 2 {
        acks.push(wire.next_of(1).await);
    }
    // The one that was ended may have been open by then.
    assert!(acks.len() <= 3, "{acks:?}");
    let ack = wire.next().await;
    assert_eq!((&ack["from"], &ack["tail"]), (&json!(1), &json!(1)), "{ack}");
    gate.emit("c", &["more"]).await;
    assert_eq!(wire.records(1, 1).await[0].seq_num, 1);
    gate.until_gauge("streams", 1).await;
}

/// Otherwise it would be taken for its answer.
async fn what_is_no_subscription_is_not_ended(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.send_together(&[
        json!({"t": "append", "id": 1, "session": "c", "channel": "in", "body": "x"}),
        json!({"t": "unsubscribe", "id": 1}),
    ])
    .await;
    let (mut answered, mut appended) = (0, None);
    while answered < 2 {
        let answer = wire.next_of(1).await;
        match answer["t"].as_str() {
            Some("error") => assert_eq!(answer["code"], "invalid_body", "{answer}"),
            // Without a number once the append is over, and nothing has the id any more.
            _ => appended = appended.or(answer["seq"].as_u64()),
        }
        answered += 1;
    }
    assert_eq!(appended, Some(0));
}

async fn subscriptions_are_bounded(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut wire = Wire::new(&gate, via).await;
    let max = DUPLEX_SUBSCRIPTIONS_MAX as u64;
    for id in 0..max {
        wire.subscribe(id, "c", json!({})).await;
    }
    wire.send(&json!({"t": "subscribe", "id": max, "session": "c"})).await;
    assert_eq!(wire.next_of(max).await["code"], "overloaded");
    wire.send(&json!({"t": "unsubscribe", "id": 0})).await;
    assert_eq!(wire.next_of(0).await["t"], "ack");
    wire.subscribe(max, "c", json!({})).await;
    gate.until_gauge("streams", max).await;
    drop(wire);
    gate.until_gauge("streams", 0).await;
}

async fn streams_count_as_those_of_sse_do(via: Via) {
    let gate = gate_with(|config| config.limits.max_streams = 1).await;
    gate.create("c").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    wire.send(&json!({"t": "subscribe", "id": 2, "session": "c"})).await;
    let refused = wire.next_of(2).await;
    assert_eq!((&refused["code"], &refused["retry"]), (&json!("overloaded"), &json!(true)));
    assert_eq!(gate.client().get("/realtime/v1/sessions/c/out").await.status, 503);
    wire.send(&json!({"t": "unsubscribe", "id": 1})).await;
    wire.next_of(1).await;
    wire.subscribe(2, "c", json!({})).await;
}
