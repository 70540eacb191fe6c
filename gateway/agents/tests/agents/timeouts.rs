//! Every timeout, each against an upstream that never ends by itself.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tidegate_core::seams::backend::BackendFault;

use crate::support::{Answer, EVENTS_CHUNKED, Upstream, agent, ask, framed};

async fn timed_out(url: &str, timeouts: Value) -> (Answer, String) {
    let agent = agent("ai_sdk", url, json!({"timeouts": timeouts}));
    let answer = Answer::of(agent.answer(ask("hi"))).await;
    let failure = answer.failure().clone();
    assert_eq!(failure.kind, BackendFault::Timeout, "{failure}");
    (answer, failure.message)
}

/// Linux completes no handshake for a listener whose queue is full.
#[tokio::test]
async fn connect() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _queued = std::net::TcpStream::connect(address).unwrap();

    let url = format!("http://{address}/");
    let (_, message) = timed_out(&url, json!({"connect_ms": 50, "first_byte_ms": 200})).await;
    assert!(message.ends_with("no connection within 50 ms"), "{message}");
}

#[tokio::test]
async fn first_byte() {
    let silent = Upstream::start(|mut conn, _| async move {
        conn.request().await;
        conn.closed().await;
    })
    .await;
    let (_, message) = timed_out(&silent.url, json!({"first_byte_ms": 50})).await;
    assert!(message.ends_with("no answer within 50 ms"), "{message}");

    // A head is no answer yet.
    let head_only = Upstream::start(|mut conn, _| async move {
        conn.request().await;
        conn.write(EVENTS_CHUNKED).await;
        conn.closed().await;
    })
    .await;
    let (_, message) = timed_out(&head_only.url, json!({"first_byte_ms": 50})).await;
    assert!(message.ends_with("no answer within 50 ms"), "{message}");
    assert_eq!(silent.connections() + head_only.connections(), 2);
}

#[tokio::test]
async fn idle() {
    let upstream = Upstream::start(|mut conn, _| async move {
        conn.request().await;
        conn.write(EVENTS_CHUNKED).await;
        // Five pauses that are short, then one that is not.
        for _ in 0..5 {
            conn.write(framed("data: {\"type\":\"start-step\"}\n\n")).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        conn.closed().await;
    })
    .await;
    let (answer, message) = timed_out(&upstream.url, json!({"idle_ms": 400})).await;
    assert_eq!(answer.values().len(), 5);
    assert!(message.ends_with("silent for 400 ms in the middle of its answer"), "{message}");
}

#[tokio::test]
async fn total() {
    let upstream = Upstream::start(|mut conn, _| async move {
        conn.request().await;
        conn.write(EVENTS_CHUNKED).await;
        loop {
            // A comment is a byte, so the answer is never idle.
            conn.write(framed(": still here\n\n")).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let (_, message) = timed_out(&upstream.url, json!({"total_ms": 300, "idle_ms": 5_000})).await;
    assert!(message.ends_with("answer was not whole within 300 ms"), "{message}");
}
