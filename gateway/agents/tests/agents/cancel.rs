//! Dropping an answer closes the upstream socket, whatever the answer was doing (I5).

use futures_util::{FutureExt, StreamExt};
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{EVENTS_CHUNKED, Upstream, agent, ask, framed};

/// How far the upstream got, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Request,
    Closed,
}

async fn stalling(sent: &'static str) -> (Upstream, mpsc::Receiver<Seen>) {
    let (seen, watch) = mpsc::channel(8);
    let upstream = Upstream::start(move |mut conn, _| {
        let seen = seen.clone();
        async move {
            conn.request().await;
            seen.send(Seen::Request).await.unwrap();
            conn.write(sent).await;
            conn.closed().await;
            seen.send(Seen::Closed).await.unwrap();
        }
    })
    .await;
    (upstream, watch)
}

#[tokio::test]
async fn before_the_head() {
    for backend in ["ai_sdk", "openai"] {
        let (upstream, mut seen) = stalling("").await;
        let table = if backend == "openai" { json!({"model": "m"}) } else { json!({}) };
        let mut stream = agent(backend, &upstream.url, table).answer(ask("hi"));
        tokio::select! {
            _ = stream.next() => panic!("there is no answer"),
            request = seen.recv() => assert_eq!(request, Some(Seen::Request)),
        }
        drop(stream);
        assert_eq!(seen.recv().await, Some(Seen::Closed), "{backend}");
    }
}

#[tokio::test]
async fn between_head_and_first_byte() {
    let (upstream, mut seen) = stalling(EVENTS_CHUNKED).await;
    let mut stream = agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"));
    tokio::select! {
        _ = stream.next() => panic!("there is no answer"),
        request = seen.recv() => assert_eq!(request, Some(Seen::Request)),
    }
    // The head may have come by now or not: both are right.
    assert!(stream.next().now_or_never().is_none());
    drop(stream);
    assert_eq!(seen.recv().await, Some(Seen::Closed));
}

#[tokio::test]
async fn in_the_middle() {
    let (seen, mut watch) = mpsc::channel(8);
    let upstream = Upstream::start(move |mut conn, _| {
        let seen = seen.clone();
        async move {
            conn.request().await;
            conn.write(EVENTS_CHUNKED).await;
            conn.write(framed("data: {\"type\":\"start\"}\n\ndata: {\"type\":")).await;
            conn.closed().await;
            seen.send(Seen::Closed).await.unwrap();
        }
    })
    .await;
    let agent = agent("ai_sdk", &upstream.url, json!({}));
    for round in 1..=3 {
        let mut stream = agent.answer(ask("hi"));
        assert_eq!(stream.next().await.unwrap().unwrap().len(), 1);
        drop(stream);
        assert_eq!(watch.recv().await, Some(Seen::Closed));
        // A half-read body never goes back to the pool.
        assert_eq!(upstream.connections(), round);
    }
}

#[tokio::test]
async fn while_the_backend_floods() {
    let (seen, mut watch) = mpsc::channel(8);
    let upstream = Upstream::start(move |mut conn, _| {
        let seen = seen.clone();
        async move {
            conn.request().await;
            conn.write(EVENTS_CHUNKED).await;
            let chunk = framed("data: {\"type\":\"data-x\",\"data\":0}\n\n");
            // More than socket buffers hold: this ends only because the other side leaves.
            for _ in 0..1_000_000 {
                conn.write(&chunk).await;
            }
            seen.send(Seen::Closed).await.unwrap();
        }
    })
    .await;
    let mut stream = agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"));
    assert!(!stream.next().await.unwrap().unwrap().is_empty());
    drop(stream);
    assert_eq!(watch.recv().await, Some(Seen::Closed));
}

/// An answer that nobody polls calls nobody.
#[tokio::test]
async fn before_it_is_polled() {
    let (upstream, mut seen) = stalling("").await;
    drop(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi")));
    assert!(seen.recv().now_or_never().is_none());
    assert_eq!(upstream.connections(), 0);
}
