//! The basic flow over every HTTP version.

use serde_json::json;

use crate::client::Wire;
use crate::harness::{Gate, KEY};

async fn flow(wire: Wire) {
    let gate = Gate::start().await;
    gate.create("c").await;
    let at = usize::from(matches!(wire, Wire::TlsH1 | Wire::TlsH2));
    let client = gate.as_bearer(KEY).over(wire, gate.server.local_addrs()[at]);
    let append = client.post("/realtime/v1/sessions/c/in/append", "hello").await;
    assert_eq!(append.json(), json!({"ok": true, "seq": 0}));
    let mut events = client.read("/realtime/v1/sessions/c/out", &[]).await;
    assert_eq!(events.header("x-stream-version"), Some("v2"));
    gate.emit("c", &["a", "b"]).await;
    assert_eq!(events.take(2).await[1].seq_num, 1);
    let head = client.call("HEAD", "/realtime/v1/sessions/c/out", &[], "").await;
    assert_eq!((head.status, head.header("x-last-chunk-index")), (200, Some("1")));
    // The address that a snapshot gets is the one that the client used.
    let answer = client.get("/api/v1/sessions/c/snapshot-url").await.json();
    let url = answer["presignedUrl"].as_str().expect("a URL");
    let scheme = if at == 1 { "https" } else { "http" };
    let base = format!("{scheme}://{}", gate.server.local_addrs()[at]);
    assert!(url.starts_with(&format!("{base}/v1/transcripts/c?token=")), "{url}");
}

#[tokio::test]
async fn http_1() {
    flow(Wire::H1).await;
}

#[tokio::test]
async fn http_2_by_prior_knowledge_on_the_same_port() {
    flow(Wire::H2c).await;
}

#[tokio::test]
async fn http_1_over_tls() {
    flow(Wire::TlsH1).await;
}

#[tokio::test]
async fn http_2_over_tls() {
    flow(Wire::TlsH2).await;
}

#[tokio::test]
async fn many_reads_share_one_http_2_connection() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client().over(Wire::H2c, gate.server.local_addr());
    let mut connection = client.connect().await;
    let mut reads = Vec::new();
    for _ in 0..20 {
        let request = client.request("GET", "/realtime/v1/sessions/c/out", &[], "");
        reads.push(crate::client::Events::of(connection.send(request).await));
    }
    gate.emit("c", &["a"]).await;
    for read in &mut reads {
        assert_eq!(read.next().await.expect("a record").seq_num, 0);
    }
    let [connections, streams, ..] = gate.metrics.gauges();
    assert_eq!(streams, ("streams", 20));
    assert!(connections.1 <= 2, "{connections:?}");
    drop(reads);
    gate.until_gauge("streams", 0).await;
    let delivered = ("records_delivered", 20);
    assert!(gate.metrics.counters().contains(&delivered), "{:?}", gate.metrics.counters());
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    let mut connection = client.connect().await;
    for seq in 0..3 {
        let request = client.request("POST", "/realtime/v1/sessions/c/in/append", &[], "x");
        let answer = crate::client::whole(connection.send(request).await).await;
        assert_eq!(answer.json()["seq"], seq);
    }
}
