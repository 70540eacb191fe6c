//! The AI SDK binding, as `DefaultChatTransport` speaks it.

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidegate_protocol::control;
use tidegate_protocol::sse::decode::Decoder;

use crate::client::Answer;
use crate::harness::Gate;

fn user(id: &str, text: &str) -> Value {
    json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]})
}

/// Chunks of an answer; the last event must be `[DONE]`.
fn chunks(answer: &Answer) -> Vec<Value> {
    let mut decoder = Decoder::new(1 << 20);
    decoder.push(&answer.body);
    let mut data: Vec<String> = decoder
        .map(|event| String::from_utf8(event.expect("an event").data.to_vec()).expect("UTF-8"))
        .collect();
    assert_eq!(data.pop().as_deref(), Some("[DONE]"), "{}", answer.text());
    data.iter().map(|data| serde_json::from_str(data).expect("a chunk")).collect()
}

fn text(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["delta"].as_str()).collect()
}

async fn chat(gate: &Gate, agent: &str, body: &Value) -> Answer {
    gate.client().post(&format!("/ai/{agent}/chat"), &body.to_string()).await
}

#[tokio::test]
async fn a_chat_is_made_answered_and_continued() {
    let gate = Gate::start().await;
    let first = chat(&gate, "demo", &json!({"id": "c", "messages": [user("u1", "one")]})).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("content-type"), Some("text/event-stream"));
    assert_eq!(first.header("x-vercel-ai-ui-message-stream"), Some("v1"));
    assert_eq!(first.header("cache-control"), Some("no-cache, no-transform"));
    let answer = chunks(&first);
    assert_eq!(answer.first().map(|chunk| &chunk["type"]), Some(&json!("start")));
    assert_eq!(answer.last().map(|chunk| &chunk["type"]), Some(&json!("finish")));
    let said = text(&answer);
    assert!(said.contains("one"), "{said}");
    // Only what is new; the history is the session's.
    let second = chat(&gate, "demo", &json!({"id": "c", "message": user("u2", "two")})).await;
    let second = text(&chunks(&second));
    assert!(second.contains("two") && !second.contains("one"), "{second}");
    let page = gate.client().get("/api/v1/sessions/c/transcript?limit=10").await.json();
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(4), "{page}");
}

#[tokio::test]
async fn a_shorter_history_becomes_the_sessions_history() {
    let gate = Gate::start().await;
    chat(&gate, "demo", &json!({"id": "c", "messages": [user("u1", "one")]})).await;
    chat(&gate, "demo", &json!({"id": "c", "message": user("u2", "two")})).await;
    // The first message was edited: everything after it is gone.
    let edited = json!({"id": "c", "messages": [user("u1", "uno")]});
    let answer = chunks(&chat(&gate, "demo", &edited).await);
    assert!(text(&answer).contains("uno"));
    let page = gate.client().get("/api/v1/sessions/c/transcript?limit=10").await.json();
    let ids = page["messages"].as_array().expect("a list").iter();
    let ids: Vec<_> = ids.map(|message| message["id"].clone()).collect();
    assert_eq!((ids.len(), &ids[0]), (2, &json!("u1")), "{page}");
}

#[tokio::test]
async fn the_record_is_what_other_clients_append() {
    let gate = Gate::start().await;
    let body = json!({"id": "c", "messages": [user("u1", "one")], "trigger": "submit-message",
        "metadata": {"m": 1}, "extra": [2]});
    chat(&gate, "demo", &body).await;
    let page = gate.client().get("/realtime/v1/sessions/c/in/records").await.json();
    let record: Value =
        serde_json::from_str(page["records"][0]["data"].as_str().expect("text")).expect("JSON");
    assert_eq!(record["kind"], "message");
    assert_eq!(record["payload"]["chatId"], "c");
    assert_eq!(record["payload"]["metadata"], json!({"m": 1}));
    assert_eq!(record["payload"]["extra"], json!([2]));
    assert_eq!(record["payload"]["message"]["id"], "u1");
}

#[tokio::test]
async fn a_turn_in_front_does_not_leak_into_the_answer_behind_it() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let slow = json!({"id": "c", "message": user("u1", "/words 40 5")});
    let first = gate.client().open("POST", "/ai/demo/chat", &[], &slow.to_string()).await;
    let (front, behind) = tokio::join!(crate::client::whole(first), async {
        chat(&gate, "demo", &json!({"id": "c", "message": user("u2", "second")})).await
    });
    let (front, behind) = (chunks(&front), chunks(&behind));
    assert!(!text(&front).contains("second"));
    assert!(text(&behind).contains("second"), "{behind:?}");
    for answer in [front, behind] {
        let starts = answer.iter().filter(|chunk| chunk["type"] == "start").count();
        assert_eq!(starts, 1, "{answer:?}");
    }
}

#[tokio::test]
async fn i1_a_resume_gives_the_whole_answer_that_runs() {
    let gate = Gate::start().await;
    let nothing = gate.client().get("/ai/demo/chat/c/stream").await;
    assert_eq!((nothing.status, nothing.body.len()), (204, 0));
    let slow = json!({"id": "c", "messages": [user("u1", "/words 60 5")]});
    let mut first = gate.client().open("POST", "/ai/demo/chat", &[], &slow.to_string()).await;
    first.body_mut().frame().await.expect("open").expect("a chunk");
    let client = gate.client();
    let (resumed, first) =
        tokio::join!(client.get("/ai/demo/chat/c/stream"), first.into_body().collect());
    assert_eq!(resumed.header("x-vercel-ai-ui-message-stream"), Some("v1"));
    first.expect("whole");
    let mut log = gate.client().read("/realtime/v1/sessions/c/out", &[]).await;
    let mut expected = String::new();
    loop {
        let record = log.next().await.expect("a record");
        if control::is_boundary(&record) {
            break;
        }
        if let Some(envelope) = tidegate_protocol::record::Envelope::of(&record) {
            let chunk: Value = serde_json::from_str(envelope.data.0.get()).expect("JSON");
            expected.push_str(chunk["delta"].as_str().unwrap_or_default());
        }
    }
    assert_eq!(text(&chunks(&resumed)), expected);
    assert_eq!(gate.client().get("/ai/demo/chat/c/stream").await.status, 204);
}

#[tokio::test]
async fn a_stop_ends_the_answer_and_a_closed_socket_does_not() {
    let gate = Gate::start().await;
    let endless = json!({"id": "c", "messages": [user("u1", "/words 100000 5")]});
    let mut first = gate.client().open("POST", "/ai/demo/chat", &[], &endless.to_string()).await;
    first.body_mut().frame().await.expect("open").expect("a chunk");
    drop(first);
    let resumed = gate.client().open("GET", "/ai/demo/chat/c/stream", &[], "").await;
    assert_eq!(resumed.status(), 200, "the closed socket stopped the turn");
    let stop = gate.client().post("/ai/demo/chat/c/stop", "").await;
    assert_eq!((stop.status, &stop.json()["ok"]), (200, &json!(true)));
    chunks(&crate::client::whole(resumed).await);
    assert_eq!(gate.client().get("/ai/demo/chat/c/stream").await.status, 204);
}

#[tokio::test]
async fn i5_a_closed_socket_stops_only_where_the_agent_says_so() {
    let gate = Gate::start().await;
    let endless = json!({"id": "c", "messages": [user("u1", "/words 100000 5")]});
    let mut first = gate.client().open("POST", "/ai/fragile/chat", &[], &endless.to_string()).await;
    first.body_mut().frame().await.expect("open").expect("a chunk");
    drop(first);
    let mut log = gate.client().read("/realtime/v1/sessions/c/out", &[]).await;
    while !control::is_boundary(&log.next().await.expect("a boundary comes")) {}
    // An answer that ended by itself is followed by no stop.
    let body = json!({"id": "d", "messages": [user("u1", "hi")]});
    chunks(&chat(&gate, "fragile", &body).await);
    gate.until_gauge("streams", 1).await;
    let page = gate.client().get("/realtime/v1/sessions/d/in/records").await.json();
    assert_eq!(page["records"].as_array().map(Vec::len), Some(1), "{page}");
}

#[tokio::test]
async fn session_tokens_are_accepted_and_others_are_not() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let owner = gate.as_bearer(&gate.token(&["read:sessions:c", "write:sessions:c"]));
    let body = json!({"id": "c", "messages": [user("u1", "hi")]}).to_string();
    let answer = owner.post("/ai/demo/chat", &body).await;
    assert!(text(&chunks(&answer)).contains("hi"));
    assert_eq!(owner.get("/ai/demo/chat/c/stream").await.status, 204);
    assert_eq!(owner.post("/ai/demo/chat/c/stop", "").await.status, 200);
    let watcher = gate.as_bearer(&gate.token(&["read:sessions:c"]));
    assert_eq!(watcher.post("/ai/demo/chat", &body).await.status, 403);
    assert_eq!(watcher.post("/ai/demo/chat/c/stop", "").await.status, 403);
    let stranger = gate.as_bearer(&gate.token(&["read:sessions:d", "write:sessions:d"]));
    assert_eq!(stranger.get("/ai/demo/chat/c/stream").await.status, 403);
}

#[tokio::test]
async fn bad_requests_are_named() {
    let gate = Gate::start().await;
    gate.create("c").await;
    for (agent, body, status) in [
        ("demo", json!({"messages": [user("u", "x")]}), 400),
        ("demo", json!({"id": "c", "messages": "x"}), 400),
        ("demo", json!({"id": "c", "messages": []}), 400),
        ("demo", json!({"id": "session_mine", "messages": [user("u", "x")]}), 400),
        ("nobody", json!({"id": "n", "messages": [user("u", "x")]}), 422),
        ("other", json!({"id": "c", "messages": [user("u", "x")]}), 422),
    ] {
        let answer = chat(&gate, agent, &body).await;
        assert_eq!(answer.status, status, "{agent} {body}: {}", answer.text());
        assert!(answer.json()["param"].is_string());
    }
}
