//! Rate limits and other bounds.

use std::time::Duration;

use tidegate_protocol::NewRecord;
use tidegate_transport::config::{Limits, RateLimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Gate, ROOT_KEY};

#[tokio::test]
async fn the_rate_is_limited_by_credential_and_never_for_reads() {
    let rate = RateLimit { requests_per_second: 1, burst: 3 };
    let gate = Gate::with(|config| config.rate_limit = rate).await;
    gate.create("c").await;
    let client = gate.client();
    let append = "/realtime/v1/sessions/c/in/append";
    let second = client.post(append, "a").await;
    assert_eq!(second.header("x-ratelimit-limit"), Some("3"));
    assert_eq!(second.header("x-ratelimit-remaining"), Some("1"));
    let missing = client.get("/api/v1/sessions/none").await;
    assert_eq!((missing.status, missing.header("x-ratelimit-remaining")), (404, Some("0")));
    let refused = client.post(append, "b").await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    let reset: u64 = refused.header("x-ratelimit-reset").expect("a reset").parse().expect("ms");
    assert!(reset <= gate.gateway.now() + 1_000, "{reset}");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert_eq!(refused.header("x-should-retry"), Some("true"));
    // Another credential has its own bucket; reads have none.
    assert_eq!(gate.as_bearer(ROOT_KEY).post(append, "c").await.status, 200);
    let read = client.open("GET", "/realtime/v1/sessions/c/out", &[], "").await;
    assert_eq!(read.status(), 200);
    assert!(read.headers().get("x-ratelimit-limit").is_none());
    let stranger = gate.as_bearer("wrong").post(append, "d").await;
    assert_eq!((stranger.status, stranger.header("x-ratelimit-limit")), (401, None));
}

#[tokio::test]
async fn the_permit_of_a_stream_lives_in_its_body() {
    let limits = Limits { max_streams: 1, ..Limits::default() };
    let gate = Gate::with(|config| config.limits = limits).await;
    gate.create("c").await;
    let path = "/realtime/v1/sessions/c/out";
    let first = gate.client().open("GET", path, &[], "").await;
    assert_eq!(first.status(), 200);
    assert_eq!(gate.client().get(path).await.status, 503);
    drop(first);
    gate.until_gauge("streams", 0).await;
    assert_eq!(gate.client().open("GET", path, &[], "").await.status(), 200);
}

#[tokio::test]
async fn connections_over_the_bound_wait_for_their_turn() {
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let gate = Gate::with(|config| config.limits = limits).await;
    let first = gate.client();
    let mut held = first.connect().await;
    assert_eq!(held.send(first.request("GET", "/live", &[], "")).await.status(), 200);
    let second = tokio::spawn(async move { first.get("/live").await.status });
    assert_eq!(gate.metrics.gauges()[0], ("connections", 1));
    drop(held);
    assert_eq!(second.await.expect("no panic"), 200);
}

#[tokio::test]
async fn silent_connections_are_closed_and_busy_ones_are_not() {
    let limits = Limits { idle_timeout: Duration::from_millis(100), ..Limits::default() };
    let gate = Gate::with(|config| config.limits = limits).await;
    gate.create("c").await;
    let mut events = gate.client().read("/realtime/v1/sessions/c/out", &[]).await;
    // Says nothing; stops in the middle of a head; stops in the HTTP/2 preface.
    for said in ["", "GET /live HTTP/1.1\r\nhost:", "PRI * HT"] {
        let mut stream = TcpStream::connect(gate.server.local_addr()).await.expect("connects");
        stream.write_all(said.as_bytes()).await.expect("written");
        let mut answer = [0; 64];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer));
        match read.await.expect("it was closed") {
            Ok(0) | Err(_) => {}
            Ok(count) => panic!("{said:?} got {count} bytes"),
        }
    }
    gate.emit("c", &["a"]).await;
    assert_eq!(events.next().await.expect("a record").seq_num, 0);
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let limits = Limits { body_timeout: Duration::from_millis(100), ..Limits::default() };
    let gate = Gate::with(|config| config.limits = limits).await;
    gate.create("c").await;
    let mut stream = TcpStream::connect(gate.server.local_addr()).await.expect("connects");
    let head = format!(
        "POST /realtime/v1/sessions/c/in/append HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\
         authorization: Bearer {ROOT_KEY}\r\n\r\nabc"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut answer = vec![0; 64];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer));
    let count = read.await.expect("an answer").expect("readable");
    assert!(answer[..count].starts_with(b"HTTP/1.1 400"), "{:?}", &answer[..count]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut() {
    let limits = Limits { write_stall: Duration::from_secs(1), ..Limits::default() };
    let gate = Gate::with(|config| config.limits = limits).await;
    gate.create("c").await;
    let mut stream = TcpStream::connect(gate.server.local_addr()).await.expect("connects");
    let head = format!(
        "GET /realtime/v1/sessions/c/out HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {ROOT_KEY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    gate.until_gauge("streams", 1).await;
    // Far more than all buffers on the way hold.
    let chunk = format!(r#"{{"type":"data-x","data":"{}"}}"#, "x".repeat(500_000));
    for index in 0..60 {
        let record = NewRecord::data(chunk.as_bytes(), &index.to_string());
        crate::resume::commit(&gate, vec![record]).await;
    }
    gate.until_gauge("streams", 0).await;
}
