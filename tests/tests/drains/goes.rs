//! What balancers and connections see of a gateway that goes.

use std::time::Duration;

use tidegate_tests::client::Client;
use tidegate_tests::process::Gateway;
use tokio::net::TcpStream;

use crate::chat::{ask, asking, follow, gateway};
use crate::wire::{Http1, goaway, idle_http2};

const PAUSE: Duration = Duration::from_millis(5);

async fn until_not_ready(client: &Client) {
    while client.get("/ready").await.expect("it still accepts").status == 200 {
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until_closed(gateway: &Gateway) {
    while TcpStream::connect(&gateway.address).await.is_ok() {
        tokio::time::sleep(PAUSE).await;
    }
}

/// R-DRN-1, R-DRN-2, R-DRN-7.
#[tokio::test]
async fn it_says_so_first_and_closes_the_door_later() {
    let dir = tempfile::tempdir().expect("a folder");
    let drain = "timeout = \"20s\"\ndelay = \"1500ms\"\nspread = \"0s\"";
    let mut gateway = gateway(dir.path(), "memory:", drain).await;
    let client = gateway.client();
    let mut h2 = idle_http2(&gateway.address).await;
    let mut kept = Http1::connect(&gateway.address).await.expect("up");
    kept.begin("GET", "/live", 0, "").await;
    let head = kept.head().await;
    assert!(!head.contains("connection: close"), "{head}");
    gateway.signal("-TERM");
    until_not_ready(&client).await;
    // A balancer that has not looked yet still gets everything.
    assert_eq!(client.get("/live").await.expect("it accepts").status, 200);
    ask(&client, "demo", "late", "hello").await;
    let mut log = Vec::new();
    let whole = follow(&client, "late", &mut log, crate::chat::ended).await;
    assert!(whole.expect("it accepts"), "a turn that began late");
    kept.begin("GET", "/api/v1/sessions/late", 0, "").await;
    let rest = kept.rest().await.to_ascii_lowercase();
    assert!(rest.contains("http/1.1 200") && rest.contains("connection: close"), "{rest}");
    assert_eq!(goaway(&mut h2).await, 0);
    drop(h2);
    until_closed(&gateway).await;
    assert_eq!(gateway.ended().await.code(), Some(0));
}

/// R-DRN-2, I1.
#[tokio::test]
async fn a_request_that_had_begun_is_answered() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = format!("disk:{}", dir.path().join("data").display());
    let drain = "timeout = \"20s\"\ndelay = \"0s\"\nspread = \"0s\"";
    let mut gateway = gateway(dir.path(), &store, drain).await;
    let body = asking("demo", "slow", "hello");
    let (first, second) = body.split_at(body.len() / 2);
    let mut slow = Http1::connect(&gateway.address).await.expect("up");
    slow.begin("POST", "/api/v1/sessions", body.len(), first).await;
    // Until it is read: another request on another connection is answered after it.
    gateway.client().get("/live").await.expect("up");
    gateway.signal("-TERM");
    until_closed(&gateway).await;
    slow.more(second).await;
    let answer = slow.rest().await.to_ascii_lowercase();
    assert!(answer.contains("http/1.1 201") && answer.contains("connection: close"), "{answer}");
    assert_eq!(gateway.ended().await.code(), Some(0));
    gateway.restart().await;
    let mut log = Vec::new();
    assert!(follow(&gateway.client(), "slow", &mut log, crate::chat::ended).await.expect("up"));
}

/// R-DRN-6, R-DRN-8: the port is free for a successor, and a second signal ends it at once.
#[tokio::test]
async fn a_successor_takes_the_port_and_a_second_signal_ends_the_wait() {
    let dir = tempfile::tempdir().expect("a folder");
    let drain = "timeout = \"300s\"\ndelay = \"0s\"\nspread = \"0s\"";
    let mut old = gateway(dir.path(), "memory:", drain).await;
    let client = old.client();
    ask(&client, "demo", "hangs", "/hang").await;
    let mut log = Vec::new();
    assert!(follow(&client, "hangs", &mut log, |log| log.len() > 3).await.expect("up"));
    old.signal("-TERM");
    until_closed(&old).await;
    let mut new = old.successor().await;
    assert!(old.runs(), "a turn still runs there");
    ask(&new.client(), "demo", "c", "hello").await;
    old.signal("-INT");
    assert_eq!(old.ended().await.code(), Some(130));
    assert!(new.runs());
}
