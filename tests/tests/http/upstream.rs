//! A chat route over raw TCP that does exactly what a test says.

use std::future::Future;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Head of a chunked event stream.
pub(crate) const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// The route's side of a connection.
pub(crate) struct Conn {
    tcp: TcpStream,
    buffer: Vec<u8>,
}

/// Serves every connection with `handler`; the route's URL.
pub(crate) async fn route<F>(handler: impl Fn(Conn) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    route_at("127.0.0.1:0", handler).await
}

pub(crate) async fn route_at<F>(
    address: &str,
    handler: impl Fn(Conn) -> F + Send + 'static,
) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(address).await.expect("a free port");
    let url = format!("http://{}/api/chat", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(handler(Conn { tcp, buffer: Vec::new() }));
        }
    });
    url
}

impl Conn {
    /// Body of the next request; `None` once the other side has left.
    pub(crate) async fn request(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let whole = end + 4 + length.map_or(0, |n| n.parse::<usize>().expect("a number"));
                if self.buffer.len() >= whole {
                    let body = serde_json::from_slice(&self.buffer[end + 4..whole]);
                    self.buffer.drain(..whole);
                    return Some(body.expect("JSON"));
                }
            }
            if self.tcp.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// False once the other side has left.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.tcp.write_all(bytes.as_ref()).await.is_ok()
    }

    /// One chunk of the answer, as an event in an HTTP chunk of its own.
    pub(crate) async fn chunk(&mut self, chunk: &Value) -> bool {
        self.write(framed(&format!("data: {chunk}\n\n"))).await
    }

    /// A whole answer.
    pub(crate) async fn answer(&mut self, text: &str) {
        self.begin(text).await;
        for chunk in [
            json!({"type": "text-end", "id": "t"}),
            json!({"type": "finish-step"}),
            json!({"type": "finish"}),
        ] {
            self.chunk(&chunk).await;
        }
        self.write(framed("data: [DONE]\n\n")).await;
        self.write("0\r\n\r\n").await;
    }

    /// An answer whose text is open.
    pub(crate) async fn begin(&mut self, text: &str) {
        self.write(EVENTS).await;
        for chunk in [
            json!({"type": "start"}),
            json!({"type": "start-step"}),
            json!({"type": "text-start", "id": "t"}),
            json!({"type": "text-delta", "id": "t", "delta": text}),
        ] {
            self.chunk(&chunk).await;
        }
    }

    /// Waits until the other side closes.
    pub(crate) async fn closed(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.tcp.read(&mut bytes).await, Ok(count) if count > 0) {}
    }
}

/// `text` as one chunk of a chunked body.
pub(crate) fn framed(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Text of the newest message of a request.
pub(crate) fn question(body: &Value) -> String {
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    let text = last.and_then(|message| message["parts"][0]["text"].as_str());
    text.unwrap_or_default().to_owned()
}
