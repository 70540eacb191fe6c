//! The drain: live reads end cleanly, what runs is finished, nothing new begins.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::client::Wire;
use crate::harness::{Gate, KEY};

const OUT: &str = "/realtime/v1/sessions/c/out";
/// Of a reader that comes back after a clean end.
const PATIENT: &[(&str, &str)] = &[("timeout-seconds", "60")];

#[tokio::test]
async fn reads_end_cleanly_over_both_versions() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["a"]).await;
    let address = gate.server.local_addr();
    let mut reads = Vec::new();
    for wire in [Wire::H1, Wire::H2c] {
        let mut events = gate.as_bearer(KEY).over(wire, address).read(OUT, PATIENT).await;
        events.take(1).await;
        reads.push(events);
    }
    let drained = gate.server.drain(Duration::from_secs(20));
    let (drained, ()) = tokio::join!(drained, async {
        for read in &mut reads {
            assert_eq!(read.rest().await, []);
            assert!(read.done, "no [DONE]");
        }
    });
    assert!(drained, "connections had to be cut");
    assert!(TcpStream::connect(address).await.is_err(), "it still accepts");
    assert_eq!(gate.metrics.gauges(), [("connections", 0), ("streams", 0), ("links", 0)]);
}

/// R-DRN-10: the route of a head start takes a clean end for that of the turn.
#[tokio::test]
async fn a_read_that_waits_for_a_boundary_is_broken_off() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["a"]).await;
    let address = gate.server.local_addr();
    let mut reads = Vec::new();
    for wire in [Wire::H1, Wire::H2c] {
        let mut events = gate.as_bearer(KEY).over(wire, address).read(OUT, &[]).await;
        events.take(1).await;
        reads.push(events);
    }
    let drained = gate.server.drain(Duration::from_secs(20));
    let (drained, ()) = tokio::join!(drained, async {
        for read in &mut reads {
            assert!(read.is_cut().await, "a clean end");
        }
    });
    assert!(drained, "connections had to be cut");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let gate = Gate::start().await;
    let client = gate.client();
    let mut connection = client.connect().await;
    connection.send(client.request("GET", "/live", &[], "")).await;
    assert!(gate.server.drain(Duration::from_secs(20)).await);
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_deadline() {
    let gate = Gate::start().await;
    gate.create("c").await;
    // An answer that hangs.
    let body = serde_json::json!({"id": "c", "messages": [{"id": "u", "role": "user",
        "parts": [{"type": "text", "text": "/hang"}]}]});
    let response = gate.client().open("POST", "/ai/demo/chat", &[], &body.to_string()).await;
    assert_eq!(response.status(), 200);
    assert!(!gate.server.drain(Duration::from_millis(100)).await);
    assert_eq!(gate.metrics.gauges()[0], ("connections", 0));
}

#[tokio::test]
async fn readiness_follows_the_flag() {
    let gate = Gate::start().await;
    let nobody = gate.as_bearer("");
    assert_eq!(nobody.get("/ready").await.status, 200);
    gate.ready.store(false, std::sync::atomic::Ordering::Release);
    assert_eq!(nobody.get("/ready").await.status, 503);
    assert_eq!(nobody.get("/live").await.status, 200);
}
