//! A call is tried again only if nothing of an answer was seen.

use std::time::Duration;

use serde_json::json;
use tidegate_core::seams::backend::BackendFault;

use crate::support::{Answer, EVENTS, EVENTS_CHUNKED, Upstream, agent, ask, events, framed, hello};

fn status(line: &str, headers: &str) -> String {
    format!("HTTP/1.1 {line}\r\n{headers}content-length: 0\r\n\r\n")
}

/// An upstream whose first answers are `bad`, the next is good.
async fn recovering(bad: Vec<String>) -> Upstream {
    Upstream::start(move |mut conn, number| {
        let bad = bad.get(number).cloned();
        async move {
            conn.request().await;
            let good = || format!("{EVENTS}{}", events(&hello()));
            conn.write(bad.unwrap_or_else(good)).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_passing_trouble_is_not_seen() {
    for line in ["429 Too Many", "502 Bad", "503 Busy", "504 Slow"] {
        let upstream = recovering(vec![status(line, "retry-after: 0\r\n"); 2]).await;
        let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"))).await;
        assert_eq!((answer.values(), answer.error), (hello(), None), "{line}");
        assert_eq!(upstream.connections(), 3);
    }
}

#[tokio::test]
async fn the_third_failure_is_the_answer() {
    let upstream = recovering(vec![status("503 Busy", ""); 3]).await;
    let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"))).await;
    assert!(answer.failure().message.contains("status 503"), "{:?}", answer.error);
    assert_eq!(upstream.connections(), 3);
}

#[tokio::test]
async fn other_statuses_are_final() {
    for line in ["400 Bad", "401 Who", "404 Where", "500 Oops", "501 What"] {
        let upstream = recovering(vec![status(line, "retry-after: 0\r\n")]).await;
        let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"))).await;
        assert_eq!(answer.failure().kind, BackendFault::Invalid, "{line}");
        assert_eq!(upstream.connections(), 1, "{line}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_budget_is_not_begun() {
    let upstream = recovering(vec![status("429 Later", "retry-after: 60\r\n")]).await;
    let table = json!({"timeouts": {"first_byte_ms": 30_000}});
    let answer = Answer::of(agent("ai_sdk", &upstream.url, table).answer(ask("hi"))).await;
    assert!(answer.failure().message.contains("status 429"), "{:?}", answer.error);
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn nothing_is_tried_again_once_an_answer_began() {
    let start = "data: {\"type\":\"start\"}\n\n";
    let cases = [
        // The head alone is enough: the backend is at work.
        EVENTS_CHUNKED.to_owned(),
        format!("{EVENTS_CHUNKED}{}", framed(start)),
        format!("{EVENTS}{start}data: garbage\n\n"),
        // The request was taken, and what became of it is unknown.
        String::new(),
    ];
    for text in cases {
        let upstream = recovering(vec![text.clone()]).await;
        let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"))).await;
        assert!(answer.error.is_some(), "{text}");
        assert_eq!(upstream.connections(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_backend_that_is_restarting_is_waited_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let agent = agent("ai_sdk", &format!("http://{address}/"), json!({}));
    let mut answer = tokio::spawn(Answer::of(agent.answer(ask("hi"))));
    // Nobody is there at first, and that is not the answer.
    let first_try = Duration::from_millis(100);
    assert!(tokio::time::timeout(first_try, &mut answer).await.is_err());
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let text = format!("{EVENTS}{}", events(&hello()));
        tokio::io::AsyncWriteExt::write_all(&mut tcp, text.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut tcp, &mut rest).await;
    });
    let answer = answer.await.unwrap();
    assert_eq!((answer.values(), answer.error), (hello(), None));
}
