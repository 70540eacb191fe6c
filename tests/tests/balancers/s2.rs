//! Append streams of agents: HTTP/2, both ways at once.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream::poll_fn;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidegate_protocol::s2::{AppendInput, InputRecord, frame, proto};
use tidegate_tests::process::KEY;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::balancer::{Balancer, Kind};
use crate::events::{HANG, create};
use crate::gateway::Gateway;

/// The next frame is sent once the one before is acknowledged, on one request.
pub(crate) async fn both_ways(kind: Kind) {
    let gateway = Gateway::start().await;
    let balancer = Balancer::start(kind, [&gateway; 2]).await;
    create(&balancer.client(), "c").await;
    let credentials = credentials(&balancer).await;
    let header = |name| credentials.headers()[name].to_str().expect("text").to_owned();
    let stream = header("x-s2-stream-name").replace('/', "%2F");
    let (frames, mut body) = mpsc::channel::<Bytes>(1);
    let body = poll_fn(move |cx| body.poll_recv(cx).map(|data| data.map(piece)));
    let body = StreamBody::new(body);
    let request =
        Request::post(format!("http://{}/s2/v1/streams/{stream}/records", balancer.s2_address))
            .header("content-type", "s2s/proto")
            .header("authorization", format!("Bearer {}", header("x-s2-access-token")))
            .body(body)
            .expect("a request");
    let io = TokioIo::new(TcpStream::connect(&balancer.s2_address).await.expect("up"));
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    // Some proxies ask nobody before the first piece is there.
    frames.send(framed(0)).await.expect("open");
    let response = tokio::time::timeout(HANG, sender.send_request(request)).await;
    let response = response.expect("an answer").expect("an answer");
    assert_eq!(response.status(), 200);
    let mut acks = Acks { body: response.into_body(), bytes: Vec::new() };
    for k in 0..20 {
        assert_eq!(acks.next().await, Some(k));
        frames.send(framed(k + 1)).await.expect("open");
    }
    assert_eq!(acks.next().await, Some(20));
    drop(frames);
    assert_eq!(acks.next().await, None);
    let page = "/realtime/v1/sessions/c/out/records";
    let page = balancer.client().get(page).await.expect("up").json();
    assert_eq!(page["records"].as_array().map(Vec::len), Some(21), "{page}");
}

async fn credentials(balancer: &Balancer) -> Response<Incoming> {
    let io = TokioIo::new(TcpStream::connect(&balancer.address).await.expect("up"));
    let (mut sender, connection) = http1::handshake(io).await.expect("HTTP");
    tokio::spawn(connection);
    let request = Request::put("/realtime/v1/sessions/c/out")
        .header("host", &balancer.address)
        .header("authorization", format!("Bearer {KEY}"))
        .body(Empty::<Bytes>::new());
    let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
    assert_eq!(answer.status(), 202);
    answer
}

fn framed(k: u64) -> Bytes {
    let body = format!(r#"{{"data":{{"type":"text-delta","id":"t","delta":"{k}"}},"id":"{k}"}}"#);
    let record = InputRecord { body: body.into(), ..InputRecord::default() };
    let input = AppendInput { records: vec![record], ..AppendInput::default() };
    frame::encode(&proto::encode_input(&input)).into()
}

fn piece(data: Bytes) -> Result<Frame<Bytes>, Infallible> {
    Ok(Frame::data(data))
}

/// Acknowledgements as they come.
struct Acks {
    body: Incoming,
    bytes: Vec<u8>,
}

impl Acks {
    /// The first seq of the next one; `None` at the end.
    async fn next(&mut self) -> Option<u64> {
        loop {
            if let [a, b, c, flags, rest @ ..] = &self.bytes[..] {
                let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
                assert_eq!(*flags, 0, "{:?}", String::from_utf8_lossy(rest));
                if rest.len() >= length - 1 {
                    let ack = Bytes::copy_from_slice(&rest[..length - 1]);
                    self.bytes.drain(..length + 3);
                    return Some(proto::decode_ack(ack).expect("an AppendAck").start.seq_num);
                }
            }
            let frame = tokio::time::timeout(HANG, self.body.frame()).await.expect("not silent");
            if let Ok(data) = frame?.expect("not cut").into_data() {
                self.bytes.extend_from_slice(&data);
            }
        }
    }
}
