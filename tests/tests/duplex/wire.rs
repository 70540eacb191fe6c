//! A client by hand: frames as JSON, good or bad.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tidegate_protocol::Record;
use tidegate_protocol::duplex::{GatewayFrame, PATH, SUBPROTOCOL};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::{Gate, KEY};

/// Nothing takes longer, however slow the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An open connection.
pub(crate) struct Wire {
    socket: WebSocketStream<TcpStream>,
    /// Frames that were passed over.
    passed: VecDeque<Value>,
    last_id: u64,
}

impl Wire {
    /// Upgrades; the status and body of a refusal, or 0 where nobody answers.
    pub(crate) async fn open(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (u16, Value)> {
        let url = format!("ws://{address}{PATH}");
        let mut request = url.into_client_request().expect("a URL");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let Ok(stream) = TcpStream::connect(address).await else { return Err((0, Value::Null)) };
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket, passed: VecDeque::new(), last_id: 1_000_000 }),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let json = serde_json::from_slice(body).unwrap_or(Value::Null);
                Err((response.status().as_u16(), json))
            }
            Err(_) => Err((0, Value::Null)),
        }
    }

    /// One that has said nothing yet.
    pub(crate) async fn silent(gate: &Gate) -> Self {
        let headers = [("sec-websocket-protocol", SUBPROTOCOL)];
        Self::open(gate.server.local_addr(), &headers).await.expect("an upgrade")
    }

    /// One that is welcome with `token`, if the gateway is up.
    pub(crate) async fn try_at(address: SocketAddr, token: &str) -> Option<Self> {
        let headers = [("sec-websocket-protocol", SUBPROTOCOL)];
        let mut wire = Self::open(address, &headers).await.ok()?;
        wire.send(&json!({"t": "hello", "token": token})).await;
        (wire.try_next().await.ok()?["t"] == "welcome").then_some(wire)
    }

    /// One that is welcome with `token`.
    pub(crate) async fn with(gate: &Gate, token: &str) -> Self {
        Self::try_at(gate.server.local_addr(), token).await.expect("a welcome")
    }

    /// One that is welcome with the secret key.
    pub(crate) async fn new(gate: &Gate) -> Self {
        Self::with(gate, KEY).await
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.message(Message::text(frame.to_string())).await;
    }

    /// A failure shows when an answer is read.
    pub(crate) async fn message(&mut self, message: Message) {
        let _ = self.socket.send(message).await;
    }

    /// Frames with nothing between them.
    pub(crate) async fn send_together(&mut self, frames: &[Value]) {
        for frame in frames {
            self.socket.feed(Message::text(frame.to_string())).await.expect("open");
        }
        self.socket.flush().await.expect("open");
    }

    /// The next frame; or how it ended.
    pub(crate) async fn try_next(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a message in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    GatewayFrame::parse(&text).expect("a frame");
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(close))) => return Err(close),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        match self.passed.pop_front() {
            Some(frame) => frame,
            None => self.try_next().await.expect("a frame"),
        }
    }

    /// The next frame that says something of `id`; the others are there for later.
    pub(crate) async fn next_of(&mut self, id: u64) -> Value {
        self.next_that(|frame| frame["id"] == id).await
    }

    /// The next frame of a type.
    pub(crate) async fn next_of_type(&mut self, kind: &str) -> Value {
        self.next_that(|frame| frame["t"] == kind).await
    }

    async fn next_that(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.passed.iter().position(&is_it) {
            return self.passed.remove(at).expect("it is there");
        }
        loop {
            let frame = self.try_next().await.expect("a frame");
            if is_it(&frame) {
                return frame;
            }
            self.passed.push_back(frame);
        }
    }

    /// Frames up to the close; its code and reason.
    pub(crate) async fn closed(&mut self) -> (Vec<Value>, u16, String) {
        let mut frames = Vec::from(std::mem::take(&mut self.passed));
        loop {
            match self.try_next().await {
                Ok(frame) => frames.push(frame),
                Err(close) => {
                    let close = close.expect("a close frame");
                    return (frames, close.code.into(), close.reason.to_string());
                }
            }
        }
    }

    /// A request with an id of its own, and its answer.
    pub(crate) async fn ask(&mut self, mut request: Value) -> Value {
        self.last_id += 1;
        request["id"] = self.last_id.into();
        self.send(&request).await;
        self.next_of(self.last_id).await
    }

    /// Subscribes as `id`; the acknowledgement.
    pub(crate) async fn subscribe(&mut self, id: u64, session: &str, more: Value) -> Value {
        let mut frame = json!({"t": "subscribe", "id": id, "session": session});
        frame.as_object_mut().expect("one").extend(more.as_object().expect("one").clone());
        self.send(&frame).await;
        let answer = self.next_of(id).await;
        assert_eq!(answer["t"], "ack", "{answer}");
        answer
    }

    /// The next records of the subscription `id`.
    pub(crate) async fn records_of(&mut self, id: u64) -> Vec<Record> {
        records(&self.next_of(id).await)
    }

    /// `count` records of the subscription `id`.
    pub(crate) async fn records(&mut self, id: u64, count: usize) -> Vec<Record> {
        let mut all = Vec::new();
        while all.len() < count {
            let frame = self.next_of(id).await;
            all.extend(records(&frame));
        }
        assert_eq!(all.len(), count, "more came than were expected");
        all
    }
}

/// Those of a `batch` frame.
pub(crate) fn records(frame: &Value) -> Vec<Record> {
    match GatewayFrame::parse(&frame.to_string()).expect("a frame") {
        GatewayFrame::Batch { records, .. } => records,
        other => panic!("no records: {other:?}"),
    }
}
