//! WebSockets over HTTP/2 (RFC 8441): a stream that outlives its request.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tidegate_protocol::limits::REQUEST_ID_MAX_BYTES;
use tidegate_transport::config::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Gate, KEY};

type Io = TokioIo<hyper::upgrade::Upgraded>;

/// A socket on a connection of its own.
async fn socket(gate: &Gate) -> Io {
    open(gate, "/v1/self-test/socket", 64 * 1024).await
}

/// One whose client takes `window` bytes before it has read any.
async fn open(gate: &Gate, path: &str, window: u32) -> Io {
    let address = gate.server.local_addr();
    let stream = TcpStream::connect(address).await.expect("connects");
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    // Until the gateway has said that it takes them, a client may not ask for one.
    loop {
        sender.ready().await.expect("open");
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri(format!("http://{address}{path}"))
            .header("sec-websocket-version", "13")
            .header("authorization", format!("Bearer {KEY}"))
            .extension(Protocol::from_static("websocket"))
            .body(Empty::<Bytes>::new())
            .expect("a request");
        match sender.send_request(request).await {
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                return TokioIo::new(hyper::upgrade::on(answer).await.expect("upgraded"));
            }
            Err(error) if error.is_user() => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn echoes(io: &mut Io) {
    // Masked with zeros.
    io.write_all(b"\x81\x82\0\0\0\0hi").await.expect("writes");
    let mut answer = [0; 4];
    io.read_exact(&mut answer).await.expect("reads");
    assert_eq!(&answer, b"\x81\x02hi");
}

#[tokio::test]
async fn an_http2_connection_with_a_socket_is_not_idle() {
    let limits = Limits { idle_timeout: Duration::from_millis(50), ..Limits::default() };
    let gate = Gate::with(|config| config.limits = limits).await;
    let mut io = socket(&gate).await;
    // Longer than any connection without a request lives.
    tokio::time::sleep(limits.idle_timeout * 10).await;
    echoes(&mut io).await;
}

#[tokio::test]
async fn a_drain_closes_the_socket_and_waits_for_it() {
    let gate = Gate::start().await;
    let mut io = socket(&gate).await;
    echoes(&mut io).await;
    let draining = gate.server.drain(Duration::from_secs(20));
    let reading = async {
        let mut close = [0; 4];
        io.read_exact(&mut close).await.expect("a close frame");
        assert_eq!((close[0], &close[2..]), (0x88, &1_001_u16.to_be_bytes()[..]));
        drop(io);
    };
    let (clean, ()) = tokio::join!(draining, reading);
    assert!(clean, "nothing had to be cut");
    assert_eq!(gate.metrics.gauges()[1], ("streams", 0));
}

/// R-AI-23: refusals are longer than what asks for them may be, and need no valid credential.
#[tokio::test]
async fn of_a_client_that_takes_no_answer_little_is_read() {
    let gate = Gate::start().await;
    let mut io = open(&gate, "/ai/demo/ws", 1024).await;
    let request = "\u{1}".repeat(REQUEST_ID_MAX_BYTES);
    let frame = json!({"type": "resume", "requestId": request, "id": "c", "body": {},
        "headers": {"authorization": "Bearer nobody"}})
    .to_string();
    let length = u16::try_from(frame.len()).expect("short").to_be_bytes();
    let frame = [&[0x81, 0xfe], &length[..], &[0; 4], frame.as_bytes()].concat();
    let mut sent = 0;
    loop {
        // Everything runs in this thread: if so many rounds move nothing, nothing moves any more.
        let rounds = async {
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            written = io.write(&frame[sent % frame.len()..]) => sent += written.expect("open"),
            () = rounds => break,
        }
        assert!(sent < 1024 * 1024, "it reads on and on");
    }
    assert!(sent > 128 * 1024, "{sent}");
}
