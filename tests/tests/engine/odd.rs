//! Inputs that nobody meant to send: each ends as it should, and the chat goes on (I2, I3).

use serde_json::{Value, json};
use tidegate_core::seams::store::Fate;
use tidegate_protocol::control;

use crate::harness::{Chat, floor, text, types, user};

fn submit(message: Value) -> Value {
    json!({"trigger": "submit-message", "message": message})
}

/// Each ends in an error and one boundary, and changes nothing.
async fn are_refused(odd: impl FnOnce(&Value) -> Vec<Value>) {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "first").await;
    let mut cursor = chat.answer_to(seq).await.last().map(|record| record.seq_num);
    let before = chat.transcript().await;
    for message in odd(&before[1]["id"]) {
        let seq = chat.payload(submit(message.clone())).await;
        let records = chat.read(cursor, |record| floor(record) == Some(seq)).await;
        cursor = records.last().map(|record| record.seq_num);
        assert_eq!(types(&records), ["error"], "{message}: {records:?}");
        assert_eq!(records.len(), 2, "{message}: {records:?}");
        let fate = chat.fates().await[seq as usize].clone();
        assert!(matches!(fate, Some(Fate::Rejected { .. })), "{message}: {fate:?}");
        assert_eq!(chat.transcript().await, before, "{message}");
    }
    let seq = chat.say("u2", "well again").await;
    assert!(text(&chat.answer_to(seq).await).contains("well again"));
}

/// R-TRN-10.
#[tokio::test]
async fn i3_odd_messages_end_in_an_error_and_one_boundary() {
    are_refused(|answer| {
        vec![
            json!({}),
            json!({"id": "x"}),
            json!({"id": 7, "role": "user", "parts": []}),
            json!({"id": "x", "role": "user", "parts": "text"}),
            json!({"id": "x", "role": "user", "parts": [7]}),
            json!({"id": "x", "role": 7, "parts": []}),
            json!({"id": "u1", "role": "assistant", "parts": []}),
            json!({"id": answer, "role": "user", "parts": []}),
        ]
    })
    .await;
}

/// R-TRN-10.
#[tokio::test]
async fn i3_messages_that_are_no_objects_end_in_an_error_and_one_boundary() {
    are_refused(|_| vec![json!([]), json!(7), json!("text"), json!(true)]).await;
}

#[tokio::test]
async fn i3_odd_metadata_and_keys_are_answered_like_any() {
    let chat = Chat::new("c").await;
    let mut cursor = None;
    let odd = [json!(7), json!("x"), json!(null), json!([[]]), json!({"": {"\u{0}": "\u{7f}"}})];
    for (index, value) in odd.into_iter().enumerate() {
        let mut payload = submit(user(&format!("u{index}"), "hello"));
        for key in ["metadata", "chatId", "action", "custom"] {
            payload[key] = value.clone();
        }
        let seq = chat.payload(payload).await;
        let records = chat.read(cursor, |record| floor(record) == Some(seq)).await;
        cursor = records.last().map(|record| record.seq_num);
        assert_eq!(records.iter().filter(|record| control::is_boundary(record)).count(), 1);
        assert!(text(&records).contains("hello"), "{value}: {records:?}");
    }
}

#[tokio::test]
async fn what_says_no_trigger_or_a_wrong_one_strands_nothing() {
    let chat = Chat::new("c").await;
    for payload in [
        json!({"message": user("u1", "no trigger")}),
        json!({"trigger": "unheard-of", "message": user("u2", "unknown trigger")}),
        json!({"trigger": 7, "message": user("u3", "no text")}),
        json!({"trigger": "submit-message", "messageId": 7, "message": user("u4", "number")}),
        json!({"trigger": "regenerate-message", "messageId": 7}),
        json!({"trigger": "action"}),
        json!({"trigger": "action", "action": null}),
    ] {
        chat.payload(payload).await;
    }
    let last = chat.say("u9", "the end").await;
    let records = chat.answer_to(last).await;
    assert!(text(&records).contains("the end"));
    let fates = chat.fates().await;
    assert!(fates.iter().all(Option::is_some), "{fates:?}");
    let bounded =
        |fate: &&Option<Fate>| matches!(fate, Some(Fate::Answered { .. } | Fate::Rejected { .. }));
    let boundaries = records.iter().filter(|record| control::is_boundary(record)).count();
    assert_eq!(boundaries, fates.iter().filter(bounded).count(), "{fates:?}");
}

#[tokio::test]
async fn i3_an_oversized_answer_ends_in_an_error_and_one_boundary() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "/flood 80 512").await;
    let records = chat.answer_to(seq).await;
    assert_eq!(types(&records).iter().filter(|kind| *kind == "error").count(), 1);
    assert_eq!(records.iter().filter(|record| control::is_boundary(record)).count(), 1);
    let cursor = records.last().map(|record| record.seq_num);
    let seq = chat.say("u2", "well again").await;
    let records = chat.read(cursor, |record| floor(record) == Some(seq)).await;
    assert!(text(&records).contains("well again"));
}
