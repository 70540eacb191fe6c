//! Connections are kept after whole answers, and only then.

use serde_json::json;

use crate::support::{Answer, Upstream, agent, ask, events, framed, hello};

const KEPT: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n";

/// Answers `per_connection` requests on each connection, then closes it.
async fn server(headers: &'static str, per_connection: usize) -> Upstream {
    Upstream::start(move |mut conn, _| async move {
        for _ in 0..per_connection {
            if conn.next_request().await.is_none() {
                return;
            }
            let body = framed(&events(&hello()));
            conn.write(format!("{KEPT}{headers}\r\n{body}0\r\n\r\n")).await;
        }
    })
    .await
}

async fn ask_three_times(upstream: &Upstream) {
    let agent = agent("ai_sdk", &upstream.url, json!({}));
    for _ in 0..3 {
        let answer = Answer::of(agent.answer(ask("hi"))).await;
        assert_eq!((answer.values(), answer.error), (hello(), None));
    }
}

#[tokio::test]
async fn a_whole_answer_leaves_its_connection() {
    let upstream = server("keep-alive: timeout=5\r\n", usize::MAX).await;
    ask_three_times(&upstream).await;
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_the_backend_gives_up_is_not_used() {
    let upstream = server("keep-alive: timeout=1\r\n", usize::MAX).await;
    ask_three_times(&upstream).await;
    assert_eq!(upstream.connections(), 3);
    let upstream = server("connection: close\r\n", 1).await;
    ask_three_times(&upstream).await;
    assert_eq!(upstream.connections(), 3);
}

/// The backend promises to keep its connections and does not: nobody notices.
#[tokio::test]
async fn a_kept_connection_that_broke_is_replaced() {
    let upstream = server("", 1).await;
    ask_three_times(&upstream).await;
    assert_eq!(upstream.connections(), 3);
}
