//! WebSockets over HTTP/2 (RFC 8441): a stream that outlives its request.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_transport::config::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Gate, KEY};

type Io = TokioIo<hyper::upgrade::Upgraded>;

/// A socket on a connection of its own.
async fn socket(gate: &Gate) -> Io {
    let address = gate.server.local_addr();
    let stream = TcpStream::connect(address).await.expect("connects");
    let (mut sender, connection) =
        http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    // Until the gateway has said that it takes them, a client may not ask for one.
    loop {
        sender.ready().await.expect("open");
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri(format!("http://{address}/v1/self-test/socket"))
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
