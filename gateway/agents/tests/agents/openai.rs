//! The `openai` backend against recorded shapes: `tests/golden/*.json` hold a config, a history,
//! the request body that must come of them, the events that the server answers, and the chunks
//! that must come of those. `BLESS=1` writes what comes instead of comparing.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate_core::seams::backend::BackendFault;
use tidegate_protocol::ui;
use tokio::sync::mpsc;

use crate::support::{Answer, EVENTS, Received, Upstream, agent, ask, request};

struct Call {
    received: Received,
    answer: Answer,
}

async fn call(config: Value, messages: Vec<Value>, body: String) -> Call {
    let (seen, mut requests) = mpsc::channel(1);
    let upstream = Upstream::start(move |mut conn, _| {
        let (seen, body) = (seen.clone(), body.clone());
        async move {
            seen.send(conn.request().await).await.unwrap();
            conn.write(format!("{EVENTS}{body}")).await;
        }
    })
    .await;
    let url = upstream.url.replace("/api/chat", "/v1/");
    let answer = Answer::of(agent("openai", &url, config).answer(request(messages))).await;
    Call { received: requests.recv().await.unwrap(), answer }
}

fn stream(events: &[Value]) -> String {
    let mut text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    text.push_str("data: [DONE]\n\n");
    text
}

fn goldens() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    files
}

#[tokio::test]
async fn goldens_hold() {
    let bless = std::env::var_os("BLESS").is_some();
    for file in goldens() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut golden: Value = serde_json::from_str(&text).unwrap();
        let list = |key: &str| golden[key].as_array().unwrap().clone();
        let body = stream(&list("events"));
        let Call { received, answer } =
            call(golden["config"].clone(), list("messages"), body).await;
        assert_eq!(answer.error, None, "{}", file.display());
        let chunks = answer.values();
        for chunk in &chunks {
            ui::Chunk::from_value(chunk.clone()).unwrap();
        }
        if bless {
            golden["request"] = received.body;
            golden["chunks"] = chunks.into();
            let text = serde_json::to_string_pretty(&golden).unwrap();
            std::fs::write(&file, text + "\n").unwrap();
            continue;
        }
        assert_eq!(received.body, golden["request"], "{}", file.display());
        assert_eq!(Value::from(chunks), golden["chunks"], "{}", file.display());
    }
}

#[tokio::test]
async fn it_calls_the_endpoint_with_its_key() {
    let config = json!({"model": "m", "api_key": "sk-12345678", "headers": {"x-org": "o"}});
    let choice = json!({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]});
    let call = call(config, vec![], stream(&[choice])).await;
    let head = call.received.head.to_ascii_lowercase();
    assert!(head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{head}");
    for line in ["authorization: bearer sk-12345678", "x-org: o", "accept: text/event-stream"] {
        assert!(head.lines().any(|have| have == line), "{line} in {head}");
    }
}

async fn failing(body: &str) -> (Answer, BackendFault, String) {
    let config = json!({"model": "m", "api_key": "sk-12345678"});
    let answer = call(config, vec![], body.to_owned()).await.answer;
    let failure = answer.failure().clone();
    (answer, failure.kind, failure.message)
}

const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";

#[tokio::test]
async fn an_error_in_the_stream_is_told() {
    for error in [json!({"message": "busy sk-12345678", "code": 1}), json!("busy sk-12345678")] {
        let body = format!("{WORD}data: {}\n\n", json!({"error": error}));
        let (answer, kind, message) = failing(&body).await;
        assert_eq!(kind, BackendFault::Invalid);
        assert!(message.ends_with("sent an error: busy [hidden]"), "{message}");
        assert_eq!(answer.text(), "hi");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    for end in ["", "data: {\"choices\":[{\"del", "data: {\"choices\":[]}\n\n"] {
        let (answer, kind, message) = failing(&format!("{WORD}{end}")).await;
        assert_eq!(kind, BackendFault::Unavailable, "{message}");
        assert_eq!(answer.text(), "hi");
    }
    let (_, kind, message) = failing("data: [DONE]\n\n").await;
    assert_eq!(kind, BackendFault::Unavailable, "{message}");
}

#[tokio::test]
async fn garbage_is_invalid() {
    for bad in ["{", "[1]", "{\"choices\":7}"] {
        let (_, kind, message) = failing(&format!("{WORD}data: {bad}\n\n")).await;
        assert_eq!(kind, BackendFault::Invalid);
        assert!(message.contains("not a chat completion event"), "{message}");
    }
}

/// JavaScript's JSON may hold half a character; what follows it must not be lost.
#[tokio::test]
async fn half_a_character_is_replaced() {
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83c\"}}]}\n\n";
    let body = format!("{half}{WORD}data: [DONE]\n\n");
    let answer = call(json!({"model": "m"}), vec![], body).await.answer;
    assert_eq!((answer.text().as_str(), answer.error), ("\u{fffd}hi", None));
}

/// No finish reason, then `[DONE]`: the server meant it to be the end.
#[tokio::test]
async fn done_is_an_end() {
    let call = call(json!({"model": "m"}), vec![], format!("{WORD}data: [DONE]\n\n")).await;
    assert_eq!(call.answer.error, None);
    let last = call.answer.values().pop().unwrap();
    assert_eq!(last, json!({"type": "finish", "finishReason": "other"}));
}

#[tokio::test]
async fn a_status_names_the_backend() {
    let body = "{\"error\":{\"message\":\"Incorrect API key provided: sk-12345678\"}}";
    let head = "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n";
    let upstream = Upstream::answering(format!("{head}{body}")).await;
    let config = json!({"model": "m", "api_key": "sk-12345678"});
    let answer = Answer::of(agent("openai", &upstream.url, config).answer(ask("hi"))).await;
    let message = &answer.failure().message;
    let url = format!("{}/chat/completions", upstream.url);
    assert!(
        message.starts_with(&format!("agent \"a\" (openai) at {url}: status 401")),
        "{message}"
    );
    assert!(message.contains("[hidden]") && !message.contains("sk-"), "{message}");
}
