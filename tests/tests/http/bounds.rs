//! Every body has a bound, and every stream a place to catch up from (I6).

use std::fmt::Write as _;

use serde_json::json;
use tidegate_core::seams::store::{Append, Commit, Op, Writer};
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::{
    APPEND_BODY_MAX_BYTES, CHAT_BODY_MAX_BYTES, CREATE_BODY_MAX_BYTES, JSON_BODY_MAX_BYTES,
    RING_MAX_BATCHES,
};

use crate::chat::Chat;
use crate::harness::{Gate, create_body, message};
use crate::plan::Plan;

#[tokio::test]
async fn i6_every_body_has_a_bound() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    for (method, path, bound) in [
        ("POST", "/api/v1/sessions", CREATE_BODY_MAX_BYTES),
        ("PATCH", "/api/v1/sessions/c", JSON_BODY_MAX_BYTES),
        ("POST", "/api/v1/sessions/c/close", JSON_BODY_MAX_BYTES),
        ("POST", "/api/v1/auth/public-tokens", JSON_BODY_MAX_BYTES),
        ("POST", "/realtime/v1/sessions/c/in/append", APPEND_BODY_MAX_BYTES),
        ("POST", "/realtime/v1/sessions/c/out/append", APPEND_BODY_MAX_BYTES),
        ("POST", "/realtime/v1/sessions/c/channels/s/in/append", APPEND_BODY_MAX_BYTES),
        ("POST", "/ai/demo/chat", CHAT_BODY_MAX_BYTES),
    ] {
        let refused = client.call(method, path, &[], &" ".repeat(bound + 1)).await;
        let seen = (refused.status, refused.code());
        assert_eq!((seen.0, seen.1.as_str()), (413, "body_too_large"), "{method} {path}");
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(refused.header("x-should-retry"), Some("false"), "{path}");
    }
    let mut chat = Chat::of(&gate, "c");
    let seq = chat.say("u1", "well").await;
    assert_eq!(seq, 0, "something was kept");
    chat.answer_to(seq).await;
}

#[tokio::test]
async fn names_with_slashes_and_letters_work_in_every_binding() {
    let gate = Gate::start().await;
    for (name, path) in [
        ("chat/1 ä", "chat%2F1%20%C3%A4"),
        ("a+b&c=d?e#f%", "a%2Bb%26c%3Dd%3Fe%23f%25"),
        ("../..", "..%2F.."),
        ("日本 🎈", "%E6%97%A5%E6%9C%AC%20%F0%9F%8E%88"),
    ] {
        let body = create_body(name).to_string();
        assert_eq!(gate.client().post("/api/v1/sessions", &body).await.status, 201, "{name}");
        let mut chat = Chat::of(&gate, path);
        let seq = chat.append(&message("u1", "hi").to_string()).await;
        assert_eq!(seq, 0, "{name}");
        chat.answer_to(seq).await;
        let body = json!({"id": name, "message": message("u2", "two")["payload"]["message"]});
        let answer = gate.client().post("/ai/demo/chat", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let resumed = gate.client().get(&format!("/ai/demo/chat/{path}/stream")).await;
        assert_eq!(resumed.status, 204, "{name}");
        let stop = gate.client().post(&format!("/ai/demo/chat/{path}/stop"), "").await;
        assert_eq!(stop.status, 200, "{name}");
        assert_eq!(chat.transcript().await.len(), 4, "{name}");
        assert_eq!(chat.fates().await.len(), 3, "{name}");
        let mut filter = String::new();
        write!(filter, "/api/v1/sessions?filter%5BexternalId%5D={path}").expect("a String");
        let found = gate.client().get(&filter).await.json();
        assert_eq!(found["data"][0]["externalId"], name);
    }
}

/// More than every buffer on the way holds, and more batches than the ring.
async fn a_reader_that_sleeps_catches_up(plan: Plan) {
    let gate = Gate::of(&plan).await;
    let chat = Chat::new(&gate, "c").await;
    let mut slow = chat.client.read(&chat.path("out"), &[]).await;
    let large = (0..50).map(|n| format!("\"{n}-{}\"", "x".repeat(400_000)));
    let small = (0..RING_MAX_BATCHES + 50).map(|n| format!("\"{n}\""));
    let bodies: Vec<String> = large.chain(small).collect();
    for (n, body) in bodies.iter().enumerate() {
        let records = vec![NewRecord::data(body.as_bytes(), &n.to_string())];
        let writer = Writer::Client;
        let channel = Channel::OUT;
        let append = Append { channel, writer, frame_key: None, records, owed: false };
        let commit = Commit { session: chat.key(), ops: vec![Op::Append(append)] };
        gate.gateway.store().commit(commit).await.expect("committed");
    }
    for (n, body) in bodies.iter().enumerate() {
        let record = slow.next().await.expect("a record");
        assert_eq!(record.seq_num, n as u64);
        assert!(record.body == NewRecord::data(body.as_bytes(), &n.to_string()).body, "{n}");
    }
}

#[tokio::test]
async fn i6_a_reader_that_sleeps_catches_up_in_memory() {
    a_reader_that_sleeps_catches_up(Plan::default()).await;
}

#[tokio::test]
async fn i6_a_reader_that_sleeps_catches_up_on_disk() {
    let (plan, _folder) = Plan::on_disk();
    a_reader_that_sleeps_catches_up(plan).await;
}
