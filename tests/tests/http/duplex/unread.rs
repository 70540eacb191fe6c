//! Clients that do not read what they are sent (R-DPX-27): what they say is heard all the same, and
//! they hold nobody up.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::chat::Chat;
use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};
use crate::harness::Gate;

over_each! {
    what_it_appends_is_carried_out
    it_does_not_hold_up_a_drain
}

/// More than a socket and its peer hold.
const RECORDS: usize = 24;
const RECORD_BYTES: usize = 900_000;

async fn fill(gate: &Gate, session: &str, records: usize) {
    let text = "x".repeat(RECORD_BYTES);
    gate.emit(session, &vec![&*text; records]).await;
}

async fn what_it_appends_is_carried_out(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    fill(&gate, "c", RECORDS).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    let append = json!({"t": "append", "id": 2, "session": "c", "channel": "in", "body": "here"});
    wire.send(&append).await;
    loop {
        let page = gate.client().get(&chat.path("in/records")).await.json();
        if page["records"].as_array().is_some_and(|records| !records.is_empty()) {
            break;
        }
        sleep(Duration::from_millis(5)).await;
    }
    // Nothing is lost by it.
    assert_eq!(wire.records(1, RECORDS).await.len(), RECORDS);
    assert_eq!(wire.next_of(2).await["seq"], 0);
}

async fn it_does_not_hold_up_a_drain(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    fill(&gate, "c", RECORDS).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    gate.server.drain(Duration::from_millis(200)).await;
    gate.until_gauge("connections", 0).await;
    gate.until_gauge("streams", 0).await;
}
