//! What a turn-backend session does (`spec/v1/turns.md`), over the real engine, store and demo
//! backend, without sockets.

mod following;
mod harness;
mod history;
mod odd;
mod recovery;
mod time;

use serde_json::json;
use tidegate_core::seams::store::Fate;
use tidegate_protocol::control;

use harness::{Chat, floor, message_text, text, types, user};

#[tokio::test]
async fn a_message_is_answered_in_one_turn() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "/words 3 0").await;
    let records = chat.answer_to(seq).await;
    assert_eq!(types(&records).first().map(String::as_str), Some("start"));
    assert_eq!(types(&records).last().map(String::as_str), Some("finish"));
    let boundary = records.last().expect("a boundary");
    assert_eq!(boundary.header(control::CONTROL), Some("turn-complete"));
    assert_eq!(boundary.header(control::IN_CONSUMED_ID), Some("0"));
    assert!(boundary.header(control::ACCESS_TOKEN).is_none(), "tokens are never stored");
    let transcript = chat.transcript().await;
    assert_eq!(transcript[0], user("u1", "/words 3 0"));
    assert_eq!(message_text(&transcript[1]), text(&records));
    assert_eq!(chat.fates().await, [Some(Fate::Answered { turn: 1 })]);
}

#[tokio::test]
async fn messages_wait_in_order_and_floors_hold_back() {
    let chat = Chat::new("c").await;
    for (id, text) in [("u1", "/words 30 2"), ("u2", "/words 2 0"), ("u3", "hi")] {
        chat.say(id, text).await;
    }
    let records = chat.read(None, |record| floor(record) == Some(2)).await;
    let floors: Vec<_> = records.iter().filter_map(floor).collect();
    assert_eq!(floors, [0, 1, 2]);
    let transcript = chat.transcript().await;
    let ids: Vec<_> = transcript.iter().filter_map(|m| m["id"].as_str()).collect();
    assert_eq!((ids[0], ids[2], ids[4]), ("u1", "u2", "u3"));
}

#[tokio::test]
async fn a_stop_hits_the_turn_that_runs_and_no_other() {
    let chat = Chat::new("c").await;
    let hung = chat.say("u1", "/hang").await;
    chat.read(None, |record| !text(std::slice::from_ref(record)).is_empty()).await;
    let queued = chat.say("u2", "after the stop").await;
    let stop = chat.stop_from_browser().await;
    assert_eq!((hung, queued, stop), (0, 1, 2));
    let records = chat.read(Some(0), |record| floor(record) == Some(2)).await;
    let boundaries = records.iter().filter(|record| control::is_boundary(record)).count();
    assert_eq!(boundaries, 2, "one for each turn, none for the stop");
    assert!(text(&records).contains("after the stop"));
    let fates = chat.fates().await;
    assert_eq!(fates[2], Some(Fate::Applied { turn: Some(1) }));
    assert_eq!(fates[1], Some(Fate::Answered { turn: 2 }));
}

#[tokio::test]
async fn a_stop_before_the_first_word_still_ends_in_one_boundary() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "/hang-first").await;
    chat.stop_from_browser().await;
    let records = chat.answer_to(seq).await;
    assert_eq!(text(&records), "");
    assert_eq!(chat.transcript().await.len(), 1);
}

#[tokio::test]
async fn an_idle_stop_is_answered_only_with_a_secret_key() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "hi").await;
    let cursor = chat.answer_to(seq).await.last().map(|record| record.seq_num);
    chat.stop_from_browser().await;
    let stop = chat.stop().await;
    let records = chat.read(cursor, |record| floor(record) == Some(stop)).await;
    assert_eq!(records.len(), 1, "one boundary, for the stop with the key");
    assert_eq!(chat.fates().await[1..], [1, 2].map(|_| Some(Fate::Applied { turn: None })));
}

#[tokio::test]
async fn regenerate_replaces_the_answer() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "/words 2 0").await;
    chat.answer_to(seq).await;
    let old = chat.transcript().await;
    let seq = chat.payload(json!({"trigger": "regenerate-message"})).await;
    chat.answer_to(seq).await;
    let new = chat.transcript().await;
    assert_eq!((old.len(), new.len()), (2, 2));
    assert_ne!(old[1]["id"], new[1]["id"]);
    assert_ne!(message_text(&old[1]), message_text(&new[1]));
}

#[tokio::test]
async fn an_approval_continues_the_same_message() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "/approve tea").await;
    chat.answer_to(seq).await;
    let asked = chat.transcript().await[1].clone();
    let parts = asked["parts"].as_array().expect("parts");
    let tool = parts.iter().find(|part| part["state"] == "approval-requested").expect("a call");
    let answer = json!({"id": asked["id"], "role": "assistant", "parts": [{
        "type": tool["type"], "toolCallId": tool["toolCallId"], "state": "approval-responded",
        "approval": {"id": tool["approval"]["id"], "approved": true}}]});
    let payload = json!({"trigger": "submit-message", "message": answer});
    let seq = chat.payload(payload.clone()).await;
    let records = chat.answer_to(seq).await;
    assert!(types(&records).contains(&"tool-output-available".to_owned()), "{records:?}");
    let transcript = chat.transcript().await;
    assert_eq!(transcript.len(), 2);
    assert_eq!(transcript[1]["id"], asked["id"]);
    // The same answer once more has nothing to do: a bare boundary.
    let cursor = records.last().map(|record| record.seq_num);
    let seq = chat.payload(payload).await;
    let records = chat.read(cursor, |record| floor(record) == Some(seq)).await;
    assert_eq!(records.len(), 1);
}

#[tokio::test]
async fn failures_end_in_an_error_and_one_boundary() {
    let chat = Chat::new("c").await;
    let mut cursor = None;
    for (id, command) in [("u1", "/fail oops"), ("u2", "/fail-first"), ("u3", "/broken")] {
        let seq = chat.say(id, command).await;
        let records = chat.read(cursor, |record| floor(record) == Some(seq)).await;
        cursor = records.last().map(|record| record.seq_num);
        let errors = types(&records).iter().filter(|kind| *kind == "error").count();
        let expected = usize::from(command != "/broken");
        assert_eq!(errors, expected, "{command}: {records:?}");
        assert_eq!(records.iter().filter(|record| control::is_boundary(record)).count(), 1);
    }
}

#[tokio::test]
async fn a_first_message_in_the_base_payload_is_answered() {
    let chat = Chat::of(harness::gateway("memory:", 1).await, "c");
    let base = json!({"trigger": "submit-message", "message": user("u1", "first")});
    assert!(!chat.create(base.clone()).await.expect("created").found);
    assert!(text(&chat.answer_to(0).await).contains("first"));
    assert!(chat.create(base).await.expect("found").found);
    assert_eq!(chat.fates().await.len(), 1, "a repeat delivers nothing");
}

#[tokio::test]
async fn a_closed_session_says_so_after_what_was_accepted() {
    let chat = Chat::new("c").await;
    chat.say("u1", "/words 5 1").await;
    let closed = chat.gateway.close_session(&chat.principal, "c", Some("bye".into()), None).await;
    assert_eq!(closed.expect("closed").closed_reason.as_deref(), Some("bye"));
    let again = chat.gateway.close_session(&chat.principal, "c", Some("other".into()), None).await;
    assert_eq!(again.expect("idempotent").closed_reason.as_deref(), Some("bye"));
    let records = chat.read(None, |record| control::kind(record) == Some("session-closed")).await;
    let boundary = records.iter().find(|record| control::is_boundary(record));
    let boundary = boundary.expect("the turn was answered first");
    assert_eq!(boundary.header(control::CLOSED), Some("true"));
    assert_eq!(boundary.header(control::CLOSED_REASON), Some("bye"));
    let error = chat.try_append(json!({"kind": "stop"})).await.expect_err("closed");
    assert_eq!(error.closed_reason.as_deref(), Some("bye"));
}

#[tokio::test]
async fn actions_have_their_own_boundary() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "hi").await;
    let cursor = chat.answer_to(seq).await.last().map(|record| record.seq_num);
    let action = json!({"type": "say", "text": "acted"});
    let seq = chat.payload(json!({"trigger": "action", "action": action})).await;
    let records = chat.read(cursor, |record| floor(record) == Some(seq)).await;
    assert!(text(&records).contains("acted"));
    let seq = chat.payload(json!({"trigger": "close"})).await;
    let last = chat.say("u2", "still open").await;
    chat.answer_to(last).await;
    assert_eq!(chat.fates().await[seq as usize], Some(Fate::Applied { turn: None }));
}
