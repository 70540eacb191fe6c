//! Answers that are none.

use serde_json::json;
use tidegate_core::seams::backend::BackendFault;
use tidegate_protocol::limits::{ANSWER_MAX_BYTES, RECORD_MAX_BYTES};

use crate::support::{Answer, EVENTS, EVENTS_CHUNKED, Upstream, agent, ask, framed};

const KEY: &str = "sk-very-secret-123";

async fn fault_of(answer: impl Into<Vec<u8>>) -> (Answer, BackendFault, String) {
    let upstream = Upstream::answering(answer).await;
    let table = json!({"headers": {"authorization": format!("Bearer {KEY}")}});
    let url = format!("{}?token=in-the-query", upstream.url);
    let answer = Answer::of(agent("ai_sdk", &url, table).answer(ask("hi"))).await;
    let failure = answer.failure().clone();
    let name = format!("agent \"a\" (ai_sdk) at {}: ", upstream.url);
    assert!(failure.message.starts_with(&name), "{}", failure.message);
    assert!(!failure.message.contains("in-the-query") && !failure.message.contains(KEY));
    let reason = failure.message[name.len()..].to_owned();
    (answer, failure.kind, reason)
}

fn response(status: &str, media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn an_error_status_shows_the_start_of_its_body() {
    let body = format!("{{\"error\": \"no\n  {KEY}\"}}{}", "x".repeat(1_000));
    let (_, kind, reason) = fault_of(response("401 Unauthorized", "application/json", &body)).await;
    assert_eq!(kind, BackendFault::Invalid);
    let start = "status 401 Unauthorized: {\"error\": \"no [hidden]\"}xxx";
    assert!(reason.starts_with(start), "{reason}");
    assert_eq!(reason.chars().count(), "status 401 Unauthorized: ".len() + 200);
    let (_, _, reason) = fault_of(response("500 Oops", "text/plain", "")).await;
    assert_eq!(reason, "status 500 Internal Server Error");
}

#[tokio::test]
async fn something_else_than_an_event_stream_is_named() {
    let cases = [
        (response("200 OK", "application/json", "{\"error\":\"x\"}"), "application/json"),
        (response("200 OK", "Text/HTML; charset=utf-8", "<html>"), "text/html"),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nplain words".to_owned(), "no media type"),
    ];
    for (text, media_type) in cases {
        let (_, kind, reason) = fault_of(text.clone()).await;
        assert_eq!(kind, BackendFault::Invalid);
        let start = format!("answered {media_type}, not an event stream: ");
        assert!(reason.starts_with(&start), "{reason}");
    }
}

#[tokio::test]
async fn garbage_is_invalid_and_what_came_before_it_stays() {
    let good = "data: {\"type\":\"start\"}\n\n";
    for bad in ["{oops", "[]", "42", "\"text\"", "{\"no\":\"type\"}", "{\"type\":7}", "\u{1}"] {
        let (answer, kind, reason) = fault_of(format!("{EVENTS}{good}data: {bad}\n\n")).await;
        assert_eq!(kind, BackendFault::Invalid, "{bad}");
        assert!(reason.contains("not a UI message chunk") && reason.ends_with(bad), "{reason}");
        assert_eq!(answer.values(), [json!({"type": "start"})]);
    }
    let not_utf8 = [EVENTS.as_bytes(), b"data: {\"type\":\"\xff\"}\n\n"].concat();
    let (_, kind, reason) = fault_of(not_utf8).await;
    assert_eq!((kind, reason.as_str()), (BackendFault::Invalid, "sent a chunk that is not UTF-8"));
}

#[tokio::test]
async fn an_answer_cut_off_is_unavailable() {
    let good = "data: {\"type\":\"start\"}\n\n";
    let half = "data: {\"type\":\"text-del";
    // The body ends properly, but inside an event.
    let (answer, kind, reason) = fault_of(format!("{EVENTS}{good}{half}")).await;
    assert_eq!(kind, BackendFault::Unavailable, "{reason}");
    assert_eq!(answer.values().len(), 1);
    // The transfer itself is cut: in an HTTP chunk, between two, below the content length.
    let length =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999\r\n\r\n";
    let cases = [
        format!("{EVENTS_CHUNKED}{}ff\r\n{half}", framed(good)),
        format!("{EVENTS_CHUNKED}{}", framed(good)),
        format!("{length}{good}"),
    ];
    for text in cases {
        let (answer, kind, reason) = fault_of(text).await;
        assert_eq!(kind, BackendFault::Unavailable, "{reason}");
        assert!(reason.contains("cut its answer off"), "{reason}");
        assert_eq!(answer.values().len(), 1);
    }
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_unavailable() {
    let (_, kind, reason) = fault_of("").await;
    assert_eq!(kind, BackendFault::Unavailable);
    assert!(reason.starts_with("closed the connection"), "{reason}");
    let (_, kind, reason) = fault_of("HTTP/1.1 200 OK\r\ncontent-ty").await;
    assert_eq!(kind, BackendFault::Unavailable, "{reason}");
}

#[tokio::test]
async fn what_is_not_http_is_invalid() {
    for text in ["SSH-2.0-OpenSSH_9.9\r\n", "HTTP/1.1 abc\r\n\r\n", "\u{0}\u{1}\r\n\r\n"] {
        let (_, kind, reason) = fault_of(text).await;
        assert_eq!(kind, BackendFault::Invalid, "{reason}");
        assert!(reason.starts_with("does not speak HTTP/1.1"), "{reason}");
    }
}

#[tokio::test]
async fn a_chunk_of_10_mb_is_refused_by_its_size() {
    let delta = "x".repeat(10 * 1024 * 1024);
    let text =
        format!("{EVENTS}data: {{\"type\":\"text-delta\",\"id\":\"t\",\"delta\":\"{delta}\"}}\n\n");
    let (answer, kind, reason) = fault_of(text).await;
    assert_eq!(kind, BackendFault::Invalid);
    assert!(reason.contains(&RECORD_MAX_BYTES.to_string()), "{reason}");
    assert!(answer.items.is_empty());
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused() {
    let delta = "x".repeat(512 * 1024);
    let chunk = format!("data: {{\"type\":\"text-delta\",\"id\":\"t\",\"delta\":\"{delta}\"}}\n\n");
    let (answer, kind, reason) = fault_of(format!("{EVENTS}{}", chunk.repeat(80))).await;
    assert_eq!(kind, BackendFault::Invalid);
    assert!(reason.contains(&ANSWER_MAX_BYTES.to_string()), "{reason}");
    assert!((64..80).contains(&answer.values().len()), "{}", answer.values().len());
}

#[tokio::test]
async fn comments_without_end_are_refused() {
    let comments = format!(": {}\n\n", "x".repeat(1_000)).repeat(ANSWER_MAX_BYTES / 1_000 * 4 + 1);
    let (_, kind, reason) = fault_of(format!("{EVENTS}{comments}")).await;
    assert_eq!(kind, BackendFault::Invalid);
    assert!(reason.contains("larger than"), "{reason}");
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    // So short a budget leaves no time for another try.
    let table = json!({"timeouts": {"first_byte_ms": 200}});
    let answer = Answer::of(agent("ai_sdk", &url, table).answer(ask("hi"))).await;
    assert_eq!(answer.failure().kind, BackendFault::Unavailable);
    assert!(answer.failure().message.contains("can't connect"), "{:?}", answer.error);
}

#[tokio::test]
async fn redirects_stay_at_their_origin() {
    let upstream = Upstream::start(|mut conn, _| async move {
        while let Some(request) = conn.next_request().await {
            let path = request.head.split(' ').nth(1).unwrap().to_owned();
            let (status, location) = match path.as_str() {
                "/api/chat" => (308, "/moved"),
                "/moved" => (307, "/api/away"),
                "/loop" => (307, "/loop"),
                _ => (307, "http://example.com/"),
            };
            conn.write(format!(
                "HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
            ))
            .await;
        }
    })
    .await;
    let fault = async |path: &str| {
        let url = upstream.url.replace("/api/chat", path);
        let answer = Answer::of(agent("ai_sdk", &url, json!({})).answer(ask("hi"))).await;
        answer.failure().clone()
    };
    let away = fault("/api/chat").await;
    assert_eq!(away.kind, BackendFault::Invalid);
    assert!(away.message.ends_with("redirects away from its origin"), "{away}");
    let twice = fault("/loop").await;
    assert!(twice.message.ends_with("redirects too often"), "{twice}");
    // Two redirects, then a third that is refused; first call and three redirects.
    assert_eq!(upstream.connections(), 3 + 4);
}
