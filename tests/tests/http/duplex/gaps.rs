//! What can't be delivered any more is said (R-DPX-18).

use serde_json::{Value, json};
use tidegate_core::seams::store::Retention;
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;

use crate::chat::Chat;
use crate::duplex::start::{gate, gate_of};
use crate::duplex::wire::{Via, Wire, over_each};
use crate::plan::Plan;

over_each! {
    a_cursor_below_the_floor_gets_a_gap
    a_new_epoch_is_a_gap
}

async fn a_cursor_below_the_floor_gets_a_gap(via: Via) {
    let retention = Retention { records: 2, ..Retention::default() };
    let gate = gate_of(&Plan { retention, ..Plan::default() }, |_| {}).await;
    gate.create("c").await;
    gate.emit("c", &["0", "1", "2", "3", "4"]).await;
    let mut wire = Wire::new(&gate, via).await;
    // Waits above the tail, while what it wants next is dropped.
    wire.subscribe(1, "c", json!({"after": 5})).await;
    gate.gateway.store().enforce_retention(gate.gateway.now()).await.expect("up");
    let ack = wire.subscribe(2, "c", json!({"after": 0})).await;
    assert_eq!(ack["from"], 3);
    let gap = wire.next_of(2).await;
    assert_eq!(gap, json!({"t": "gap", "id": 2, "from": 1, "to": 3, "reason": "retention"}));
    assert_eq!(wire.records(2, 2).await[0].seq_num, 3);
    // Without a cursor nothing is missing.
    wire.subscribe(3, "c", json!({})).await;
    assert_eq!(wire.records(3, 2).await[0].seq_num, 3);
}

fn gap(id: u64, from: u64, to: u64) -> Value {
    json!({"t": "gap", "id": id, "from": from, "to": to, "reason": "epoch"})
}

async fn a_new_epoch_is_a_gap(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    gate.emit("c", &["0", "1", "2"]).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({"after": 0})).await;
    assert_eq!(wire.records(1, 2).await.len(), 2);
    gate.gateway.delete_session(&chat.key()).await.expect("deleted");
    gate.create("c").await;
    gate.emit("c", &["new"]).await;
    let first = EPOCH_SEQ_STRIDE + 3;
    assert_eq!(wire.next_of(1).await, gap(1, 3, first));
    assert_eq!(wire.records(1, 1).await[0].seq_num, first);
    let ack = wire.subscribe(2, "c", json!({"after": 50})).await;
    assert_eq!(ack["epoch"], 1);
    assert_eq!(wire.next_of(2).await, gap(2, 51, first));
    assert_eq!(wire.records(2, 1).await[0].seq_num, first);
}
