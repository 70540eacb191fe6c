//! Pings and pongs (R-DPX-20, R-DPX-21).

use serde_json::json;

use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};

over_each! {
    a_ping_tells_how_far_each_stream_is
    a_silent_client_is_pinged_and_let_go
}

async fn a_ping_tells_how_far_each_stream_is(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    gate.emit("c", &["0", "1"]).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.send(&json!({"t": "ping", "n": -5})).await;
    let pong = wire.next().await;
    assert_eq!((&pong["t"], &pong["n"], &pong["tails"]), (&json!("pong"), &json!(-5), &json!({})));
    assert!(pong["now"].is_u64());
    wire.subscribe(4, "c", json!({"start": "latest"})).await;
    wire.send(&json!({"t": "ping"})).await;
    assert_eq!(wire.next_of_type("pong").await["tails"], json!({"4": 2}));
    gate.emit("c", &["2"]).await;
    wire.records(4, 1).await;
    wire.send(&json!({"t": "ping"})).await;
    assert_eq!(wire.next_of_type("pong").await["tails"], json!({"4": 3}));
}

async fn a_silent_client_is_pinged_and_let_go(via: Via) {
    let gate = gate().await;
    let mut wire = Wire::new(&gate, via).await;
    let (frames, code, _) = wire.closed().await;
    assert_eq!(code, 4002);
    assert!(frames.iter().all(|frame| frame["t"] == "ping"), "{frames:?}");
    assert!(frames.len() >= 2, "{frames:?}");
}
