//! Anything may come: each connection answers or closes with a code, and no other one notices.

#![allow(clippy::print_stdout, reason = "a seed must be known where a test failed")]

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::chat::Chat;
use crate::duplex::rng::Rng;
use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};

const FRAMES: u64 = 60;
const NAMES: [&str; 6] = ["c", "c", "d", "", "session_x", "a:channels:b"];

fn rounds() -> u64 {
    if crate::duplex::rng::is_long() { 2_000 } else { 60 }
}

/// A frame that may be right, with values from small sets so that they meet.
fn frame(rng: &mut Rng) -> Value {
    let id = rng.below(5);
    let session = NAMES[rng.below(6) as usize];
    match rng.below(9) {
        0 => json!({"t": "subscribe", "id": id, "session": session, "after": rng.below(9)}),
        1 => json!({"t": "subscribe", "id": id, "session": session, "window": rng.below(300)}),
        2 => json!({"t": "subscribe", "id": id, "session": session, "start": "latest",
            "channel": "in", "peek": true}),
        3 => json!({"t": "unsubscribe", "id": id}),
        4 => json!({"t": "append", "id": id, "session": session, "body": "opaque",
            "part": format!("p{}", rng.below(4))}),
        5 => json!({"t": "append", "id": id, "session": session, "channel": "out", "body": "{}"}),
        6 => json!({"t": "ack", "id": id, "seq": rng.below(4)}),
        7 => json!({"t": "ping", "n": rng.below(100)}),
        _ => json!({"t": "auth", "id": id, "session": session, "token": crate::harness::KEY}),
    }
}

/// What is sent: mostly frames, some of them with a character changed, some bytes.
fn message(rng: &mut Rng) -> Message {
    let mut text = frame(rng).to_string().into_bytes();
    match rng.below(60) {
        0 => Message::binary(text),
        1 => Message::text("\u{0}\u{2028}".repeat(rng.below(500) as usize)),
        2 => {
            let at = rng.below(text.len() as u64) as usize;
            text[at] = b"{}[]\",:0e\\"[rng.below(10) as usize];
            Message::text(String::from_utf8(text).expect("ASCII"))
        }
        3 => Message::Ping(text[..10].to_vec().into()),
        _ => Message::text(String::from_utf8(text).expect("ASCII")),
    }
}

over_each! {
    nobody_else_notices
}

async fn nobody_else_notices(via: Via) {
    let seed = crate::duplex::rng::seed();
    println!("TIDEGATE_SEED={seed}");
    let gate = gate().await;
    gate.create("d").await;
    let chat = Chat::new(&gate, "c").await;
    let mut calm = Wire::new(&gate, via).await;
    calm.subscribe(1, "c", json!({"channel": "in"})).await;
    let mut expected = 0;
    for round in 0..rounds() {
        let mut rng = Rng::new(seed.wrapping_add(round));
        let mut wire = Wire::new(&gate, via).await;
        for _ in 0..FRAMES {
            wire.message(message(&mut rng)).await;
        }
        wire.send(&json!({"t": "ping", "n": 1_000})).await;
        loop {
            match wire.try_next().await {
                Ok(frame) if frame["n"] == 1_000 => break,
                Ok(_) => {}
                Err(close) => {
                    let code = close.map(|(code, _)| code);
                    let known = [1000, 1002, 1003, 1007, 4400, 4506].map(Some);
                    assert!(known.contains(&code), "round {round}: {code:?}");
                    break;
                }
            }
        }
        drop(wire);
        let marker = chat.append(&format!("marker {round}")).await;
        loop {
            let records = calm.records_of(1).await;
            for record in records {
                assert_eq!(record.seq_num, expected, "round {round}");
                expected += 1;
            }
            if expected > marker {
                break;
            }
        }
    }
    drop(calm);
    gate.until_gauge("streams", 0).await;
    gate.until_gauge("connections", 0).await;
}
