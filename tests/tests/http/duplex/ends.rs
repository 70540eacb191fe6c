//! How subscriptions and connections end (R-DPX-16, R-DPX-24, R-DPX-28).

use std::time::Duration;

use serde_json::json;

use crate::chat::Chat;
use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};

over_each! {
    nothing_comes_after_the_end_of_a_subscription
    the_end_of_a_connection_stops_nothing
    a_drain_says_goodbye_when_the_turn_is_over
}

async fn nothing_comes_after_the_end_of_a_subscription(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    gate.emit("c", &["0"]).await;
    wire.records(1, 1).await;
    wire.send(&json!({"t": "unsubscribe", "id": 1})).await;
    assert_eq!(wire.next().await, json!({"t": "ack", "id": 1}));
    gate.emit("c", &["1"]).await;
    wire.send(&json!({"t": "unsubscribe", "id": 1})).await;
    assert_eq!(wire.next().await, json!({"t": "ack", "id": 1}));
    gate.until_gauge("streams", 0).await;
}

async fn the_end_of_a_connection_stops_nothing(via: Via) {
    let gate = gate().await;
    let mut chat = Chat::new(&gate, "c").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    let seq = chat.say("u1", "/words 30 5").await;
    wire.next_of(1).await;
    drop(wire);
    let records = chat.answer_to(seq).await;
    assert!(crate::chat::text(&records).contains("word-29"), "{records:?}");
}

async fn a_drain_says_goodbye_when_the_turn_is_over(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    let mut idle = Wire::new(&gate, via).await;
    idle.subscribe(1, "other", json!({})).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    let seq = chat.say("u1", "/words 60 20").await;
    wire.next_of(1).await;
    let drained = gate.server.drain(Duration::from_secs(20));
    let turns = gate.gateway.turns().drain();
    let ((), drained, ()) = tokio::join!(turns, drained, async {
        let (frames, code, _) = idle.closed().await;
        assert_eq!((&frames[0]["t"], code), (&json!("goaway"), 4003));
        let (frames, code, _) = wire.closed().await;
        assert_eq!(code, 4003);
        assert!(frames.iter().any(|frame| frame["t"] == "goaway"));
        let batches = frames.iter().filter(|frame| frame["t"] == "batch");
        let records: Vec<_> = batches.flat_map(crate::duplex::wire::records).collect();
        assert!(records.iter().any(|record| crate::chat::floor(record) == Some(seq)));
    });
    assert!(drained, "connections had to be cut");
    assert_eq!(gate.metrics.gauges(), [("connections", 0), ("streams", 0), ("links", 0)]);
}
