//! Appends over the duplex binding (R-DPX-14, R-DPX-15).

use serde_json::{Value, json};
use tidegate_protocol::limits::{APPEND_BODY_MAX_BYTES, DUPLEX_REQUESTS_MAX};

use crate::chat::{Chat, text};
use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};
use crate::harness::message;

fn append(id: u64, session: &str, body: &str) -> Value {
    json!({"t": "append", "id": id, "session": session, "body": body})
}

over_each! {
    a_message_is_answered_and_a_stop_stops
    appends_to_a_session_keep_their_order
    a_part_is_written_once_over_whatever_transport
    the_largest_body_fits_a_frame
    what_was_read_is_carried_through
}

async fn a_message_is_answered_and_a_stop_stops(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    let seq = wire.ask(append(0, "c", &message("u1", "hello").to_string())).await["seq"].clone();
    assert_eq!(seq, 0);
    let mut records = Vec::new();
    while !records.iter().any(|record| crate::chat::floor(record) == Some(0)) {
        let frame = wire.next_of(1).await;
        records.extend(crate::duplex::wire::records(&frame));
    }
    assert!(text(&records).contains("hello"), "{records:?}");
    wire.ask(append(0, "c", &message("u2", "/hang").to_string())).await;
    // Its boundary covers the stop, too.
    let stop = wire.ask(append(0, "c", r#"{"kind":"stop"}"#)).await["seq"].as_u64();
    while !crate::duplex::wire::records(&wire.next_of(1).await)
        .iter()
        .any(|record| crate::chat::floor(record) == stop)
    {}
}

async fn appends_to_a_session_keep_their_order(via: Via) {
    let gate = gate().await;
    gate.create("a").await;
    gate.create("b").await;
    let mut wire = Wire::new(&gate, via).await;
    // More than may be under way at once.
    let count = 3 * DUPLEX_REQUESTS_MAX as u64;
    let name = |id: u64| if id.is_multiple_of(3) { "b" } else { "a" };
    let frames: Vec<_> =
        (0..count).map(|id| append(id, name(id), &format!("opaque {id}"))).collect();
    wire.send_together(&frames).await;
    let mut seqs = vec![None; frames.len()];
    for _ in 0..count {
        let ack = wire.next().await;
        seqs[ack["id"].as_u64().expect("an id") as usize] = ack["seq"].as_u64();
    }
    for session in ["a", "b"] {
        let ids = (0..count).filter(|id| name(*id) == session);
        let seqs: Vec<_> = ids.map(|id| seqs[id as usize].expect("acknowledged")).collect();
        assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
    }
}

async fn a_part_is_written_once_over_whatever_transport(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    let mut wire = Wire::new(&gate, via).await;
    let part = json!({"t": "append", "session": "c", "body": "x", "part": "p1"});
    assert_eq!(wire.ask(part.clone()).await["seq"], 0);
    assert_eq!(wire.ask(part.clone()).await["seq"], 0);
    let again = [("x-part-id", "p1")];
    let answer = chat.client.call("POST", &chat.path("in/append"), &again, "x").await;
    assert_eq!(answer.json()["seq"], 0);
    assert_eq!(Wire::new(&gate, via).await.ask(part).await["seq"], 0);
    assert_eq!(wire.ask(append(0, "c", "y")).await["seq"], 1);
}

async fn the_largest_body_fits_a_frame(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut wire = Wire::new(&gate, via).await;
    // Each character is escaped.
    let escaped = "\"".repeat(APPEND_BODY_MAX_BYTES);
    let refused = wire.ask(append(0, "c", &escaped)).await;
    assert_eq!(refused["code"], "record_too_large", "{refused}");
    let refused = wire.ask(append(0, "c", &format!("{escaped}x"))).await;
    assert_eq!(refused["code"], "body_too_large");
    let fits = "x".repeat(APPEND_BODY_MAX_BYTES - 1_000);
    assert_eq!(wire.ask(append(0, "c", &fits)).await["seq"], 0);
}

async fn what_was_read_is_carried_through(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    let mut wire = Wire::new(&gate, via).await;
    let frames: Vec<_> = (0..20).map(|id| append(id, "c", &format!("opaque {id}"))).collect();
    wire.send_together(&frames).await;
    // The first acknowledgement means that the others were read, or are in the gateway's buffer.
    wire.next().await;
    drop(wire);
    gate.until_gauge("connections", 0).await;
    let page = gate.client().get(&chat.path("in/records")).await.json();
    let written = page["records"].as_array().expect("records").len();
    assert!(written >= 1, "{page}");
    for (at, record) in page["records"].as_array().expect("records").iter().enumerate() {
        assert_eq!(record["data"], format!("opaque {at}"));
    }
}
