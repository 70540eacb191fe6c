//! The whole way to a backend and back: an `ai_sdk` agent and a real route.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::chat::{Chat, boundaries, chunks, errors, floor, text};
use crate::harness::Gate;
use crate::plan::Plan;
use crate::upstream::{Conn, EVENTS, framed, question, route, route_at};

/// Longer than any answer of these tests takes, and short enough to wait for.
const PATIENCE_MS: u64 = 400;

fn plan(url: &str) -> Plan {
    let timeouts = json!({"first_byte_ms": PATIENCE_MS, "idle_ms": PATIENCE_MS});
    let slow = json!({"url": url, "timeouts": timeouts});
    let agents = vec![("route", "ai_sdk", json!({"url": url})), ("hasty", "ai_sdk", slow)];
    Plan { agents, ..Plan::default() }
}

/// Misbehaves as the question says.
async fn misbehave(mut conn: Conn) {
    while let Some(body) = conn.request().await {
        match question(&body).as_str() {
            "garbage" => {
                conn.write(EVENTS).await;
                conn.write(framed("data: {nonsense\n\n")).await;
            }
            "binary" => {
                conn.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\x00\xff\xfe\x01").await;
            }
            "page" => {
                conn.write("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n").await;
                conn.write("content-length: 6\r\n\r\n<html>").await;
            }
            "status" => {
                conn.write("HTTP/1.1 400 Bad\r\ncontent-length: 4\r\n\r\noops").await;
                continue;
            }
            "no http" => {
                conn.write("SSH-2.0-server\r\n\r\n").await;
            }
            "array" => {
                conn.begin("seen ").await;
                conn.chunk(&json!([1])).await;
            }
            "grammar" => {
                conn.begin("seen ").await;
                conn.chunk(&json!({"type": "tool-output-available", "toolCallId": 7})).await;
            }
            "cut" => {
                conn.begin("seen ").await;
                conn.write("30\r\ndata: {\"type\":\"text-del").await;
            }
            "huge" => {
                conn.begin("seen ").await;
                let delta = "x".repeat(10 << 20);
                conn.chunk(&json!({"type": "text-delta", "id": "t", "delta": delta})).await;
                conn.closed().await;
            }
            "record" => {
                // Fits on the way here, and not into a record.
                conn.begin("seen ").await;
                let delta = "x".repeat((1 << 20) - 48);
                conn.chunk(&json!({"type": "text-delta", "id": "t", "delta": delta})).await;
                conn.closed().await;
            }
            "silent" => conn.closed().await,
            "stall" => {
                conn.begin("seen ").await;
                conn.closed().await;
            }
            other => {
                conn.answer(other).await;
                continue;
            }
        }
        return;
    }
}

/// One error that names the agent, one boundary, and the next message is answered.
async fn fails_once(gate: &Gate, agent: &str, name: &str, fault: &str) -> Vec<Value> {
    let mut chat = Chat::with(gate, name, agent).await;
    let seq = chat.say("u1", fault).await;
    let records = chat.answer_to(seq).await;
    let shown = errors(&records);
    assert_eq!(shown.len(), 1, "{fault}: {shown:?}");
    assert!(shown[0].contains(&format!("\"{agent}\"")), "{fault}: {shown:?} names no agent");
    assert_eq!(boundaries(&records), 1, "{fault}");
    assert_eq!(floor(records.last().expect("a boundary")), Some(seq), "{fault}");
    let seq = chat.say("u2", "well again").await;
    let again = chat.answer_to(seq).await;
    assert_eq!((text(&again).as_str(), errors(&again).len()), ("well again", 0), "{fault}");
    assert_eq!(boundaries(&again), 1, "{fault}");
    let fates = chat.fates().await;
    assert_eq!(fates[0]["fate"], "answered", "{fault}: {fates:?}");
    chunks(&records)
}

#[tokio::test]
async fn i3_every_fault_of_a_backend_is_one_error_and_one_boundary() {
    let gate = Gate::of(&plan(&route(misbehave).await)).await;
    let faults = [
        ("route", "garbage", ""),
        ("route", "binary", ""),
        ("route", "page", ""),
        ("route", "status", ""),
        ("route", "no http", ""),
        ("route", "array", "seen "),
        ("route", "grammar", "seen "),
        ("route", "cut", "seen "),
        ("route", "huge", "seen "),
        ("route", "record", "seen "),
        ("hasty", "silent", ""),
        ("hasty", "stall", "seen "),
    ];
    let runs = faults.iter().map(|(agent, fault, seen)| {
        let name = fault.replace(' ', "-");
        let gate = &gate;
        async move {
            let chunks = fails_once(gate, agent, &name, fault).await;
            let shown: String = chunks.iter().filter_map(|chunk| chunk["delta"].as_str()).collect();
            assert_eq!(shown, *seen, "{fault}");
            let ends = chunks.iter().filter(|chunk| chunk["type"] == "text-end").count();
            assert_eq!(ends, usize::from(!seen.is_empty()), "{fault}: {chunks:?}");
        }
    });
    join_all(runs).await;
}

#[tokio::test]
async fn a_backend_that_is_down_is_named_and_used_once_it_is_back() {
    let port = tidegate_store::servers::free_port(&[]);
    let address = format!("127.0.0.1:{port}");
    let gate = Gate::of(&plan(&format!("http://{address}/api/chat"))).await;
    let mut chat = Chat::with(&gate, "c", "hasty").await;
    let seq = chat.say("u1", "anybody").await;
    let records = chat.answer_to(seq).await;
    let shown = errors(&records);
    assert_eq!((shown.len(), boundaries(&records)), (1, 1), "{shown:?}");
    assert!(shown[0].contains("\"hasty\"") && shown[0].contains(&address), "{shown:?}");
    route_at(&address, misbehave).await;
    let seq = chat.say("u2", "back").await;
    assert_eq!(text(&chat.answer_to(seq).await), "back");
}

/// R-TRN-17: nobody sees that it was asked twice.
#[tokio::test]
async fn i7_a_backend_that_dies_before_any_word_is_asked_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let url = route(move |mut conn: Conn| {
        let count = Arc::clone(&count);
        async move {
            while conn.request().await.is_some() {
                if count.fetch_add(1, Ordering::SeqCst) > 0 {
                    conn.answer("at last").await;
                    continue;
                }
                conn.write(EVENTS).await;
                conn.chunk(&json!({"type": "start", "messageId": "mine"})).await;
                conn.chunk(&json!({"type": "start-step"})).await;
                return;
            }
        }
    })
    .await;
    let gate = Gate::of(&plan(&url)).await;
    let mut chat = Chat::with(&gate, "c", "route").await;
    let seq = chat.say("u1", "hello").await;
    let records = chat.answer_to(seq).await;
    assert_eq!((text(&records).as_str(), errors(&records).len()), ("at last", 0));
    let starts = chunks(&records).into_iter().filter(|chunk| chunk["type"] == "start").count();
    assert_eq!((starts, boundaries(&records), asked.load(Ordering::SeqCst)), (1, 1, 2));
    assert_eq!(chat.transcript().await.len(), 2);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_its_limit() {
    let url = route(|mut conn: Conn| async move {
        while let Some(body) = conn.request().await {
            if question(&body) != "endless" {
                conn.answer("short").await;
                continue;
            }
            conn.begin("").await;
            let delta = "x".repeat(900_000);
            let chunk = json!({"type": "text-delta", "id": "t", "delta": delta});
            while conn.chunk(&chunk).await {}
            return;
        }
    })
    .await;
    let gate = Gate::of(&plan(&url)).await;
    let chunks = fails_once_after(&gate, "endless").await;
    assert!(chunks > 30, "{chunks}");
}

async fn fails_once_after(gate: &Gate, question: &str) -> usize {
    let mut chat = Chat::with(gate, "c", "route").await;
    let seq = chat.say("u1", question).await;
    let records = chat.answer_to(seq).await;
    assert_eq!((errors(&records).len(), boundaries(&records)), (1, 1));
    let seq = chat.say("u2", "next").await;
    assert_eq!(text(&chat.answer_to(seq).await), "short");
    chunks(&records).len()
}

#[tokio::test]
async fn what_the_client_adds_reaches_the_backend_as_it_was_sent() {
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    let bodies = Arc::clone(&seen);
    let url = route(move |mut conn: Conn| {
        let bodies = Arc::clone(&bodies);
        async move {
            while let Some(body) = conn.request().await {
                bodies.lock().expect("no panic").push(body);
                conn.answer("yes").await;
            }
        }
    })
    .await;
    let gate = Gate::of(&plan(&url)).await;
    let mut chat = Chat::with(&gate, "c", "route").await;
    let message = |id: &str| {
        json!({"id": id, "role": "user", "metadata": {"at": 1}, "custom": 2,
        "parts": [{"type": "text", "text": id, "mine": true}, {"type": "data-own", "data": [1]}]})
    };
    let metadata = json!({"userId": "ü", "nested": {"null": null, "n": 1.5}});
    let seq = chat
        .payload(json!({"trigger": "submit-message", "messageId": "m1", "message": message("u1"),
            "metadata": metadata, "chatId": "ignored", "model": "x", "flags": [true]}))
        .await;
    chat.answer_to(seq).await;
    let seq = chat.payload(json!({"trigger": "regenerate-message", "metadata": [7]})).await;
    chat.answer_to(seq).await;
    let action = json!({"type": "undo", "deep": {"a": []}});
    let seq = chat.payload(json!({"trigger": "action", "action": action, "k": "v"})).await;
    chat.answer_to(seq).await;
    // The other binding, over the same session.
    let body = json!({"id": "c", "message": message("u2"), "metadata": metadata, "model": "y"});
    assert_eq!(gate.client().post("/ai/route/chat", &body.to_string()).await.status, 200);
    let seen = seen.lock().expect("no panic");
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert_eq!(seen[0]["messages"], json!([message("u1")]));
    for (key, value) in [
        ("id", json!("c")),
        ("trigger", json!("submit-message")),
        ("messageId", json!("m1")),
        ("metadata", metadata.clone()),
        ("model", json!("x")),
        ("flags", json!([true])),
    ] {
        assert_eq!(seen[0][key], value, "{key}");
    }
    assert_eq!(
        (&seen[1]["trigger"], &seen[1]["metadata"]),
        (&"regenerate-message".into(), &[7].into())
    );
    assert_eq!(seen[1]["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!((&seen[2]["action"], &seen[2]["k"]), (&action, &json!("v")));
    let last = seen[3]["messages"].as_array().expect("a list");
    assert_eq!(last.last(), Some(&message("u2")));
    assert_eq!((&seen[3]["metadata"], &seen[3]["model"]), (&metadata, &json!("y")));
}

#[tokio::test]
async fn an_openai_model_answers_through_the_whole_gateway() {
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    let bodies = Arc::clone(&seen);
    let url = route(move |mut conn: Conn| {
        let bodies = Arc::clone(&bodies);
        async move {
            while let Some(body) = conn.request().await {
                let messages = body["messages"].as_array().expect("a list").len();
                bodies.lock().expect("no panic").push(body);
                conn.write(EVENTS).await;
                for text in ["Hel", "lo"] {
                    let delta = json!({"index": 0, "delta": {"content": text}});
                    conn.chunk(&json!({"id": "x", "choices": [delta]})).await;
                }
                if messages > 3 {
                    return; // Cut off in the second turn.
                }
                let end = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
                conn.chunk(&json!({"id": "x", "choices": [end]})).await;
                conn.write(framed("data: [DONE]\n\n")).await;
                conn.write("0\r\n\r\n").await;
            }
        }
    })
    .await;
    let url = url.replace("/api/chat", "/v1");
    let table = json!({"url": url, "model": "m", "system": "Be brief."});
    let gate = Gate::of(&Plan { agents: vec![("gpt", "openai", table)], ..Plan::default() }).await;
    let mut chat = Chat::with(&gate, "c", "gpt").await;
    let seq = chat.say("u1", "hi").await;
    let records = chat.answer_to(seq).await;
    assert_eq!((text(&records).as_str(), errors(&records).len()), ("Hello", 0));
    let seq = chat.say("u2", "more").await;
    let records = chat.answer_to(seq).await;
    assert_eq!((text(&records).as_str(), boundaries(&records)), ("Hello", 1));
    let shown = errors(&records);
    assert!(shown.len() == 1 && shown[0].contains("\"gpt\""), "{shown:?}");
    let seen = seen.lock().expect("no panic");
    let roles = seen[1]["messages"].as_array().expect("a list").iter();
    let roles: Vec<_> = roles.map(|message| message["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!((&seen[1]["model"], &seen[1]["stream"]), (&json!("m"), &json!(true)));
}

/// A route that says on `heard` when a request came and when its connection was closed.
async fn hanging(heard: mpsc::Sender<String>) -> String {
    route(move |mut conn: Conn| {
        let heard = heard.clone();
        async move {
            while let Some(body) = conn.request().await {
                let question = question(&body);
                match question.as_str() {
                    "mute" => {}
                    "talk" => conn.begin("so far").await,
                    _ => {
                        conn.answer(&question).await;
                        continue;
                    }
                }
                heard.send(question.clone()).await.expect("listens");
                conn.closed().await;
                return heard.send(format!("{question} closed")).await.expect("listens");
            }
        }
    })
    .await
}

#[tokio::test]
async fn i5_a_stop_reaches_the_upstream_socket_and_a_reader_that_leaves_does_not() {
    let (heard, mut hears) = mpsc::channel(16);
    let gate = Gate::of(&plan(&hanging(heard).await)).await;
    for (name, question) in [("a", "mute"), ("b", "talk")] {
        let mut chat = Chat::with(&gate, name, "route").await;
        let reader = chat.client.read(&chat.path("out"), &[]).await;
        let seq = chat.say("u1", question).await;
        assert_eq!(hears.recv().await.as_deref(), Some(question));
        drop(reader);
        gate.until_gauge("streams", 0).await;
        // Another connection, another credential.
        let write = gate.as_bearer(&gate.token(&[&format!("write:sessions:{name}")]));
        assert!(hears.try_recv().is_err(), "a reader that left stopped {question}");
        let stop = write.post(&chat.path("in/append"), r#"{"kind":"stop"}"#).await;
        assert_eq!(stop.status, 200);
        assert_eq!(hears.recv().await, Some(format!("{question} closed")));
        let records = chat.answer_to(seq).await;
        assert_eq!((boundaries(&records), errors(&records).len()), (1, 0), "{question}");
        let seq = chat.say("u2", "next").await;
        assert_eq!(text(&chat.answer_to(seq).await), "next");
    }
}
