//! Many sessions on one connection, many connections on one session, and clients that do not read.

use std::collections::HashMap;

use serde_json::json;

use crate::chat::Chat;
use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};

const SESSIONS: u64 = 40;

over_each! {
    many_answers_at_once_on_one_connection
    a_client_that_does_not_read_holds_up_nobody
}

async fn many_answers_at_once_on_one_connection(via: Via) {
    let gate = gate().await;
    let mut wire = Wire::new(&gate, via).await;
    let mut chats = Vec::new();
    for id in 0..SESSIONS {
        let chat = Chat::new(&gate, &format!("c{id}")).await;
        wire.subscribe(id, &chat.name, json!({})).await;
        chats.push(chat);
    }
    let mut asked = HashMap::new();
    for (id, chat) in (0..).zip(&chats) {
        asked.insert(id, chat.say("u1", "/words 25 2").await);
    }
    let mut logs: HashMap<u64, Vec<_>> = HashMap::new();
    while !asked.is_empty() {
        let frame = wire.next().await;
        let id = frame["id"].as_u64().expect("of a subscription");
        let log = logs.entry(id).or_default();
        log.extend(crate::duplex::wire::records(&frame));
        let seq = asked.get(&id).copied();
        if log.iter().any(|record| seq.is_some() && crate::chat::floor(record) == seq) {
            asked.remove(&id);
        }
    }
    for (id, log) in &logs {
        let seqs: Vec<u64> = log.iter().map(|record| record.seq_num).collect();
        assert_eq!(seqs, (0..log.len() as u64).collect::<Vec<_>>(), "{id}");
        assert!(crate::chat::text(log).contains("word-24"), "{id}");
    }
}

async fn a_client_that_does_not_read_holds_up_nobody(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut deaf = Wire::new(&gate, via).await;
    deaf.subscribe(1, "c", json!({})).await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    let text = "x".repeat(200_000);
    // More than sockets hold.
    for seq in 0..60 {
        gate.emit("c", &[&text]).await;
        assert_eq!(wire.records(1, 1).await[0].seq_num, seq);
    }
    // And when it reads again it has lost nothing.
    let seqs: Vec<u64> = deaf.records(1, 60).await.iter().map(|record| record.seq_num).collect();
    assert_eq!(seqs, (0..60).collect::<Vec<_>>());
}
