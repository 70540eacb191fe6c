//! TLS to a real server.

use std::path::PathBuf;

use tidegate_store::redis::connect::ConnectError;
use tidegate_store::servers::{Config, Redis};

use super::harness::{count, count_again, open, opened};

fn certificates() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../agents/tests/fixtures")
}

fn serving() -> Redis {
    Redis::start(Config::new().password("hunter2").tls(&certificates()))
}

fn url(server: &Redis, query: &str) -> String {
    format!("rediss://:hunter2@localhost:{}{query}", server.tls_port())
}

#[tokio::test]
async fn a_server_whose_certificate_is_trusted_is_used() {
    let mut server = serving();
    let ca = format!("?ca={}", certificates().join("ca.pem").display());
    let connection = opened(&url(&server, &ca)).await;
    assert_eq!(count(&connection, "a").await, Ok(1));
    let clients: String = server.ask(&["CLIENT", "LIST"]).unwrap();
    let secured = format!("laddr=127.0.0.1:{} ", server.tls_port());
    assert!(clients.contains(&secured), "{clients}");
    server.restart();
    count_again(&connection, "a").await;
}

#[tokio::test]
async fn one_that_is_not_trusted_is_refused() {
    let server = serving();
    for query in ["", &format!("?ca={}", certificates().join("key.pem").display())] {
        let error = open(&url(&server, query)).await.expect_err("it does not open");
        let text = error.to_string();
        assert!(text.to_lowercase().contains("certificate") && !text.contains("hunter2"), "{text}");
    }
    let gone = open(&url(&server, "?ca=/nowhere.pem")).await.expect_err("it does not open");
    assert!(matches!(gone, ConnectError::Certificates(_)), "{gone}");
}

#[tokio::test]
async fn plain_words_to_a_port_for_tls_and_the_other_way_round_are_refused() {
    let server = serving();
    let ca = format!("?ca={}", certificates().join("ca.pem").display());
    let plain = format!("redis://:hunter2@localhost:{}", server.tls_port());
    let crossed = format!("rediss://:hunter2@localhost:{}{ca}", server.port());
    for url in [plain, crossed] {
        let error = open(&url).await.expect_err("it does not open");
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    }
}
