//! HTTP/2 where TLS offers it, and certificates.

use tidegate_client::client::{Client, Event, Mode, Start, Transport};
use tidegate_tests::process::KEY;

use crate::harness::{self, Gate};
use crate::room::{create, trusting};

#[tokio::test]
async fn reads_over_tls_share_one_http2_connection() {
    let gate = Gate::start().await;
    let port = gate.server.local_addrs()[1].port();
    let builder = trusting(&format!("https://localhost:{port}")).token(harness::KEY);
    let client = builder.mode(Mode::Sse).build().expect("a client");
    let mut all = Vec::new();
    for name in ["a", "b", "c"] {
        let session = client.session(name);
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        let event = live.next().await.expect("it goes on").expect("no error");
        assert_eq!(event, Event::Transport(Transport::Sse));
        all.push(live);
    }
    gate.until_gauge("streams", 3).await;
    gate.until_gauge("connections", 1).await;
}

#[tokio::test]
async fn a_certificate_that_is_none() {
    let client = Client::builder("https://localhost").token(KEY);
    let error = client.root_certificate(b"no certificate".to_vec()).build().expect_err("refused");
    assert_eq!(error.code, "invalid_config");
}
