//! SIGTERM: what clients of HTTP/3 see (R-H3-7, R-DRN).

use http::Method;
use tidegate_protocol::Record;

use crate::client::{Client, answer, patient};
use crate::gateway::Gateway;

const DRAIN: &str = "[drain]\ntimeout = \"20s\"\ndelay = \"0s\"\nspread = \"0s\"\n";

/// A read ends cleanly after all that was written; the connection ends without an error, and the
/// process at once.
#[tokio::test]
async fn reads_end_cleanly_and_the_client_is_told_to_go() {
    let mut gateway = Gateway::with("", DRAIN).await;
    gateway.create("c").await;
    let mut client = Client::connect(gateway.port).await;
    let mut reading = client.read("c", None).await;
    for _ in 0..5 {
        gateway.emit("c", "word").await;
    }
    gateway.terminate();
    let mut log: Vec<Record> = Vec::new();
    while let Some(records) = reading.next().await.expect("a clean end") {
        log.extend(records);
    }
    assert_eq!(log.len(), 5);
    // The goodbye is there before the end of the connection.
    let refused = loop {
        match client.try_ask(Method::GET, "/live", "").await {
            Ok(answer) => assert_eq!(answer.status, 200),
            Err(error) => break error,
        }
    };
    assert!(refused.is_h3_no_error() || format!("{refused:?}").contains("Closing"), "{refused:?}");
    assert!(patient(client.end).await.expect("no panic").is_h3_no_error());
    assert_eq!(gateway.ended().await, Some(0));
}

/// What was asked for before is answered, and its answer arrives.
#[tokio::test]
async fn what_was_begun_is_finished() {
    let mut gateway = Gateway::with("", DRAIN).await;
    gateway.create("c").await;
    let mut client = Client::connect(gateway.port).await;
    let path = "/realtime/v1/sessions/c/out/append";
    let mut exchange = client.begin(Method::POST, path, &[]).await.expect("sent");
    exchange.send_data("{\"type\":".into()).await.expect("sent");
    assert_eq!(client.get("/live").await.status, 200);
    gateway.terminate();
    // Refused: it came after the goodbye.
    while client.try_ask(Method::GET, "/live", "").await.is_ok() {}
    exchange.send_data("\"start\"}".into()).await.expect("sent");
    exchange.finish().await.expect("sent");
    assert_eq!(answer(&mut exchange).await.expect("an answer").status, 200);
    assert!(patient(client.end).await.expect("no panic").is_h3_no_error());
    assert_eq!(gateway.ended().await, Some(0));
}

/// A connection on which nothing happens does not hold the process up.
#[tokio::test]
async fn idle_connections_are_closed() {
    let mut gateway = Gateway::with("", DRAIN).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = Client::connect(gateway.port).await;
        assert_eq!(client.get("/live").await.status, 200);
        clients.push(client);
    }
    gateway.terminate();
    for client in clients {
        assert!(patient(client.end).await.expect("no panic").is_h3_no_error());
    }
    assert_eq!(gateway.ended().await, Some(0));
}
