//! The same thing asked for by many at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::chat::{Chat, text};
use crate::client::Answer;
use crate::harness::{Gate, create_body, message};
use crate::plan::Plan;

const MANY: usize = 16;

async fn many<F: Future<Output = Answer>>(ask: impl Fn(usize) -> F) -> Vec<Answer> {
    join_all((0..MANY).map(ask)).await
}

async fn creates_find_one_session(plan: Plan) {
    let gate = Gate::of(&plan).await;
    let mut body = create_body("c");
    let first = message("u1", "first")["payload"]["message"].clone();
    body["triggerConfig"]["basePayload"] =
        json!({"chatId": "c", "trigger": "submit-message", "message": first});
    let body = body.to_string();
    let client = gate.client();
    let answers = many(|_| client.post("/api/v1/sessions", &body)).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let found = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((made, found), (1, MANY - 1));
    let ids: BTreeSet<String> = answers.iter().map(|a| a.json()["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    let mut chat = Chat::of(&gate, "c");
    assert!(text(&chat.answer_to(0).await).contains("first"));
    assert_eq!((chat.fates().await.len(), chat.transcript().await.len()), (1, 2));
}

#[tokio::test]
async fn creates_of_one_name_find_one_session_in_memory() {
    creates_find_one_session(Plan::default()).await;
}

#[tokio::test]
async fn creates_of_one_name_find_one_session_on_disk() {
    let (plan, _folder) = Plan::on_disk();
    creates_find_one_session(plan).await;
}

async fn appends_of_a_part_are_one(plan: Plan) {
    let gate = Gate::of(&plan).await;
    let mut chat = Chat::new(&gate, "c").await;
    let body = message("u1", "once").to_string();
    let path = chat.path("in/append");
    let part = [("x-part-id", "p1")];
    let answers = many(|_| chat.client.call("POST", &path, &part, &body)).await;
    for answer in answers {
        assert_eq!((answer.status, answer.json()), (200, json!({"ok": true, "seq": 0})));
    }
    chat.answer_to(0).await;
    assert_eq!((chat.fates().await.len(), chat.transcript().await.len()), (1, 2));
}

#[tokio::test]
async fn trap_30_appends_of_one_part_are_one_record_in_memory() {
    appends_of_a_part_are_one(Plan::default()).await;
}

#[tokio::test]
async fn trap_30_appends_of_one_part_are_one_record_on_disk() {
    let (plan, _folder) = Plan::on_disk();
    appends_of_a_part_are_one(plan).await;
}

#[tokio::test]
async fn chats_of_one_new_name_are_all_answered() {
    let gate = Gate::start().await;
    let client = gate.client();
    let answers = many(async |n: usize| {
        let id = format!("u{n}");
        let message = message(&id, &format!("said by {n}."))["payload"]["message"].clone();
        client.post("/ai/demo/chat", &json!({"id": "c", "message": message}).to_string()).await
    })
    .await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let deltas: String = answer
            .text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: {"))
            .map(|line| serde_json::from_str::<serde_json::Value>(&format!("{{{line}")))
            .filter_map(|chunk| chunk.expect("JSON")["delta"].as_str().map(str::to_owned))
            .collect();
        assert!(deltas.contains(&format!("said by {n}.")), "{n}: {deltas}");
    }
    assert_eq!(Chat::of(&gate, "c").transcript().await.len(), 2 * MANY);
}

#[tokio::test]
async fn updates_and_closes_lose_nothing() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    let answers = many(async |n: usize| {
        let body = json!({"metadata": {"n": n}}).to_string();
        client.call("PATCH", "/api/v1/sessions/c", &[], &body).await
    })
    .await;
    for answer in &answers {
        // A conflict that passes must say so, or callers give up.
        let passes = answer.header("x-should-retry") == Some("true");
        assert!(answer.status == 200 || (answer.status == 409 && passes), "{}", answer.text());
    }
    assert!(answers.iter().any(|answer| answer.status == 200));
    let closes = many(async |n: usize| {
        let body = json!({"reason": format!("reason {n}")}).to_string();
        client.post("/api/v1/sessions/c/close", &body).await
    })
    .await;
    let last = client.get("/api/v1/sessions/c").await.json();
    for close in closes {
        assert_eq!((close.status, &close.json()["closedReason"]), (200, &last["closedReason"]));
    }
}

#[tokio::test]
async fn i5_stops_from_everywhere_end_one_turn_in_one_boundary() {
    let gate = Gate::start().await;
    let mut chat = Chat::new(&gate, "c").await;
    let seq = chat.say("u1", "/hang").await;
    chat.until(|record| !text(std::slice::from_ref(record)).is_empty()).await;
    let path = chat.path("in/append");
    let token = gate.as_bearer(&gate.token(&["write:sessions:c"]));
    let answers = many(|_| token.post(&path, r#"{"kind":"stop"}"#)).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let last = chat.say("u2", "next").await;
    let records = chat.answer_to(last).await;
    assert_eq!(crate::chat::boundaries(&records), 2, "{records:?}");
    assert!(text(&records).contains("next"));
    let fates = chat.fates().await;
    let hit = fates.iter().filter(|fate| fate["fate"] == "applied" && fate["turn"] == 1).count();
    assert_eq!(hit, 1, "{fates:?}");
    assert_eq!(fates[seq as usize]["fate"], "answered");
}
