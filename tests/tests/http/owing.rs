//! What waits is bounded, and everything has a fate in the end (I2, I6).

use serde_json::json;
use tidegate_protocol::limits::OWED_MAX;

use crate::chat::{Chat, boundaries, errors};
use crate::harness::{Gate, message};

const STOP: &str = r#"{"kind":"stop"}"#;

/// A chat whose turn hangs, and behind which waits as much as may wait.
async fn full(gate: &Gate) -> Chat {
    let chat = Chat::new(gate, "c").await;
    chat.say("hung", "/hang-first").await;
    let client = gate.client();
    let mut connection = client.connect().await;
    let preload = json!({"kind": "message", "payload": {"trigger": "preload"}}).to_string();
    for _ in 1..OWED_MAX {
        let request = client.request("POST", &chat.path("in/append"), &[], &preload);
        let answer = crate::client::whole(connection.send(request).await).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    chat
}

#[tokio::test]
async fn i6_inputs_that_wait_are_bounded() {
    let gate = Gate::start().await;
    let chat = full(&gate).await;
    let refused = chat.try_append(&message("u1", "one more").to_string()).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_owed"));
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert_eq!(refused.header("x-should-retry"), Some("true"));
    // Raw records are never owed, and another session is another matter.
    assert_eq!(chat.try_append("raw").await.status, 200);
    let mut neighbour = Chat::new(&gate, "d").await;
    let seq = neighbour.say("u1", "hi").await;
    neighbour.answer_to(seq).await;
}

#[tokio::test]
async fn i5_a_stop_is_taken_however_much_waits() {
    let gate = Gate::start().await;
    let mut chat = full(&gate).await;
    let stop = chat.try_append(STOP).await;
    assert_eq!(stop.status, 200, "{}", stop.text());
    // Everything else was waiting for that.
    chat.until(|record| crate::chat::floor(record).is_some()).await;
    loop {
        let last = chat.try_append(&message("u2", "again").to_string()).await;
        if last.status == 200 {
            let seq = last.json()["seq"].as_u64().expect("a seq");
            chat.answer_to(seq).await;
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn i2_every_kind_of_input_has_a_fate_that_can_be_asked_for() {
    let gate = Gate::start().await;
    let mut chat = Chat::new(&gate, "c").await;
    let submit = |message| json!({"trigger": "submit-message", "message": message});
    let mut expected = Vec::new();
    for (body, fate) in [
        ("raw".to_owned(), json!({"fate": "consumed"})),
        ("{broken".to_owned(), json!({"fate": "consumed"})),
        (r#"{"kind":"unknown","a":1}"#.to_owned(), json!({"fate": "consumed"})),
        (r#"{"kind":"message","payload":5}"#.to_owned(), json!({"fate": "consumed"})),
        (r#"{"kind":7}"#.to_owned(), json!({"fate": "consumed"})),
    ] {
        chat.append(&body).await;
        expected.push(fate);
    }
    for (payload, fate) in [
        (json!({"trigger": "preload"}), json!({"fate": "applied"})),
        (json!({"trigger": "close"}), json!({"fate": "applied"})),
        (
            submit(message("u1", "hi")["payload"]["message"].clone()),
            json!({"fate": "answered", "turn": 1}),
        ),
        (json!({"trigger": "regenerate-message"}), json!({"fate": "answered", "turn": 2})),
        (submit(json!({"id": 5})), json!({"fate": "rejected"})),
        (submit(json!({"id": "x", "role": "user"})), json!({"fate": "rejected"})),
        (
            submit(json!({"id": "u1", "role": "assistant", "parts": []})),
            json!({"fate": "rejected"}),
        ),
    ] {
        chat.payload(payload).await;
        expected.push(fate);
    }
    chat.append(STOP).await;
    expected.push(json!({"fate": "applied"}));
    // The last one, so that all before it have theirs.
    let last = chat.say("u2", "end").await;
    expected.push(json!({"fate": "answered"}));
    // Turn 1 starts with a chunk, so what ends anything lies behind the first record.
    chat.seek(0);
    let records = chat.answer_to(last).await;
    let fates = chat.fates().await;
    assert_eq!(fates.len(), expected.len(), "{fates:?}");
    for (seq, (fate, expected)) in fates.iter().zip(&expected).enumerate() {
        assert_eq!((&fate["seq"], &fate["fate"]), (&json!(seq), &expected["fate"]), "{fate}");
        if let Some(turn) = expected.get("turn") {
            assert_eq!(&fate["turn"], turn, "{fate}");
        }
        assert_eq!(fate["fate"] == "rejected", fate["reason"].is_string(), "{fate}");
    }
    assert_eq!(errors(&records).len(), 3, "each refusal is told in the chat");
    let bounded =
        |fate: &&serde_json::Value| matches!(fate["fate"].as_str(), Some("answered" | "rejected"));
    // And one for the idle stop with a secret key, if it found no turn.
    let stop = &fates[expected.len() - 2];
    let idle = usize::from(stop["turn"].is_null());
    assert_eq!(boundaries(&records), fates.iter().filter(bounded).count() + idle);
    // Page by page they are the same.
    let mut paged: Vec<serde_json::Value> = Vec::new();
    loop {
        let after = paged.last().map_or(String::new(), |fate| format!("&after={}", fate["seq"]));
        let page = gate.client().get(&format!("/v1/sessions/c/inputs?limit=4{after}")).await.json();
        match page["inputs"].as_array().expect("a list").as_slice() {
            [] => break,
            page => paged.extend_from_slice(page),
        }
    }
    assert_eq!(paged, fates);
}
