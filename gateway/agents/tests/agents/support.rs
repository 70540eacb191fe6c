//! An upstream that does over raw TCP exactly what a test says, and shorthands.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use tidegate_agents::build;
use tidegate_core::seams::AgentBackend;
use tidegate_core::seams::backend::{AnswerStream, BackendError, Chunk, TurnRequest};
use tidegate_protocol::input::Trigger;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Head of an event stream that ends with the connection.
pub(crate) const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
/// Head of a chunked event stream.
pub(crate) const EVENTS_CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// A server that runs one handler per connection.
pub(crate) struct Upstream {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// `handler` gets the connection and its number, from 0.
    pub(crate) async fn start<F>(handler: impl Fn(Conn, usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/chat", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(handler(Conn { tcp, buffer: Vec::new() }, number));
            }
        });
        Self { url, connections }
    }

    /// A server that answers every connection's first request with `answer` and closes.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |mut conn, _| {
            let answer = answer.clone();
            async move {
                conn.request().await;
                conn.write(&answer).await;
            }
        })
        .await
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The upstream's side of a connection.
pub(crate) struct Conn {
    tcp: TcpStream,
    buffer: Vec<u8>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Conn {
    /// Reads one request; panics if the connection ends first.
    pub(crate) async fn request(&mut self) -> Received {
        self.next_request().await.expect("a request")
    }

    /// Reads one request, `None` at the end of the connection.
    pub(crate) async fn next_request(&mut self) -> Option<Received> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                    })
                    .unwrap_or(0);
                if self.buffer.len() >= end + 4 + length {
                    let body = serde_json::from_slice(&self.buffer[end + 4..end + 4 + length]);
                    self.buffer.drain(..end + 4 + length);
                    return Some(Received { head, body: body.unwrap() });
                }
            }
            if self.tcp.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // A client that left is what some tests are about.
        let _ = self.tcp.write_all(bytes.as_ref()).await;
        let _ = self.tcp.flush().await;
    }

    /// Waits until the other side closes.
    pub(crate) async fn closed(&mut self) {
        let mut byte = [0; 1];
        while matches!(self.tcp.read(&mut byte).await, Ok(n) if n > 0) {}
    }
}

/// `text` as one chunk of a chunked body.
pub(crate) fn framed(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Chunks as an event stream with its end.
pub(crate) fn events(chunks: &[Value]) -> String {
    let mut text: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    text.push_str("data: [DONE]\n\n");
    text
}

/// A short answer.
pub(crate) fn hello() -> Vec<Value> {
    vec![
        json!({"type": "start", "messageId": "a1"}),
        json!({"type": "start-step"}),
        json!({"type": "text-start", "id": "t"}),
        json!({"type": "text-delta", "id": "t", "delta": "Grüße, \u{1f30a}!"}),
        json!({"type": "text-end", "id": "t"}),
        json!({"type": "finish-step"}),
        json!({"type": "finish"}),
    ]
}

/// An agent `a` with `backend` at `url`, `extra` merged into its table.
pub(crate) fn agent(backend: &str, url: &str, extra: Value) -> Arc<dyn AgentBackend> {
    let mut table = extra;
    table["url"] = url.into();
    build(backend, "a", table).unwrap()
}

/// A turn that asks `text`.
pub(crate) fn ask(text: &str) -> TurnRequest {
    request(vec![user(text)])
}

/// A user message.
pub(crate) fn user(text: &str) -> Value {
    json!({"id": "u1", "role": "user", "parts": [{"type": "text", "text": text}]})
}

/// A turn over `messages`.
pub(crate) fn request(messages: Vec<Value>) -> TurnRequest {
    let continues = messages.last().is_some_and(|message| message["role"] == "assistant");
    TurnRequest {
        agent: "a".into(),
        chat_id: "chat-1".into(),
        turn: 3,
        attempt: 1,
        trigger: Trigger::Submit,
        messages: Arc::new(messages),
        answer_id: "a1".into(),
        continues,
        message_id: None,
        metadata: None,
        action: None,
        rest: Map::new(),
        tools: Arc::default(),
        origin: Arc::default(),
        steering: None,
    }
}

/// Everything an answer gives.
pub(crate) struct Answer {
    pub(crate) items: Vec<Vec<Chunk>>,
    pub(crate) error: Option<BackendError>,
}

impl Answer {
    /// Reads the stream to its end.
    pub(crate) async fn of(mut stream: AnswerStream) -> Self {
        let mut answer = Self { items: Vec::new(), error: None };
        while let Some(item) = stream.next().await {
            assert!(answer.error.is_none(), "nothing may follow an error");
            match item {
                Ok(chunks) => {
                    assert!(!chunks.is_empty(), "an item is never empty");
                    answer.items.push(chunks);
                }
                Err(error) => answer.error = Some(error),
            }
        }
        answer
    }

    /// The chunks' values; each must be what its raw bytes say.
    pub(crate) fn values(&self) -> Vec<Value> {
        self.items
            .iter()
            .flatten()
            .map(|chunk| {
                assert_eq!(serde_json::from_slice::<Value>(&chunk.raw).unwrap(), chunk.value);
                chunk.value.clone()
            })
            .collect()
    }

    /// The text of all text deltas.
    pub(crate) fn text(&self) -> String {
        let values = self.values();
        let deltas = values.iter().filter(|value| value["type"] == "text-delta");
        deltas.filter_map(|value| value["delta"].as_str()).collect()
    }

    /// Its error.
    pub(crate) fn failure(&self) -> &BackendError {
        self.error.as_ref().expect("the answer fails")
    }
}
