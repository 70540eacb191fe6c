//! Windows: what is not acknowledged bounds what is sent (R-DPX-13, R-DPX-19).

use serde_json::json;

use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};

over_each! {
    a_full_window_holds_one_subscription_and_no_other
    a_large_batch_fits_any_window
    to_acknowledge_what_was_not_sent_ends_the_connection
}

async fn a_full_window_holds_one_subscription_and_no_other(via: Via) {
    let gate = gate().await;
    for name in ["slow", "quick"] {
        gate.create(name).await;
    }
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "slow", json!({"window": 1})).await;
    wire.subscribe(2, "quick", json!({})).await;
    gate.emit("slow", &["0", "1", "2"]).await;
    // One batch is let through; the others wait.
    let first = wire.records(1, 1).await;
    assert_eq!(first[0].seq_num, 0);
    gate.emit("quick", &["0", "1", "2"]).await;
    let mut quick = 0;
    while quick < 3 {
        let frame = wire.next().await;
        assert_eq!(frame["id"], 2, "{frame}");
        quick += crate::duplex::wire::records(&frame).len();
    }
    wire.send(&json!({"t": "ack", "id": 1, "seq": 0})).await;
    let next = wire.next_of(1).await;
    let records = crate::duplex::wire::records(&next);
    assert_eq!(records[0].seq_num, 1);
    // What was acknowledged before means nothing.
    wire.send(&json!({"t": "ack", "id": 1, "seq": 0})).await;
    wire.send(&json!({"t": "ack", "id": 77, "seq": 5})).await;
    wire.send(&json!({"t": "ping", "n": 1})).await;
    assert_eq!(wire.next().await["tails"], json!({"1": 3, "2": 3}));
}

async fn a_large_batch_fits_any_window(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let text = "x".repeat(5_000);
    gate.emit("c", &[&text, &text]).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({"window": 10})).await;
    let mut seen = 0;
    while seen < 2 {
        let frame = wire.next_of(1).await;
        let records = crate::duplex::wire::records(&frame);
        seen += records.len();
        let last = records.last().expect("a record").seq_num;
        wire.send(&json!({"t": "ack", "id": 1, "seq": last})).await;
    }
}

async fn to_acknowledge_what_was_not_sent_ends_the_connection(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    gate.emit("c", &["0"]).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({"after": 0, "window": 100})).await;
    // Its own cursor is nothing new.
    wire.send(&json!({"t": "ack", "id": 1, "seq": 0})).await;
    wire.send(&json!({"t": "ack", "id": 1, "seq": 1})).await;
    let (frames, code, _) = wire.closed().await;
    assert_eq!(code, 4506, "{frames:?}");
}
