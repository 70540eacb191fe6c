//! A client by hand: frames as JSON, good or bad.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_protocol::Record;
use tidegate_protocol::duplex::GatewayFrame;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::duplex::pipe::{End, Pipe};
use crate::harness::{Gate, KEY};

/// Nothing takes longer, however slow the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a connection runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    WebSocket,
    WebTransport,
}

/// Runs each test over each transport.
macro_rules! over_each {
    ($($name:ident)*) => {
        mod websocket {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name($crate::duplex::wire::Via::WebSocket).await;
                }
            )*
        }

        mod webtransport {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name($crate::duplex::wire::Via::WebTransport).await;
                }
            )*
        }
    };
}

pub(crate) use over_each;

/// An open connection.
pub(crate) struct Wire {
    pipe: Pipe,
    /// Frames that were passed over.
    passed: VecDeque<Value>,
    last_id: u64,
}

impl Wire {
    pub(crate) fn over(pipe: Pipe) -> Self {
        Self { pipe, passed: VecDeque::new(), last_id: 1_000_000 }
    }

    /// One that has said nothing yet.
    pub(crate) async fn silent(gate: &Gate, via: Via) -> Self {
        let addresses = gate.server.local_addrs();
        Self::over(match via {
            Via::WebSocket => Pipe::plain_socket(addresses[0]).await.expect("an upgrade"),
            Via::WebTransport => Pipe::session(addresses[1]).await,
        })
    }

    /// Says `hello`. Is it welcome?
    pub(crate) async fn greet(&mut self, token: &str) -> bool {
        self.send(&json!({"t": "hello", "token": token})).await;
        self.try_next().await.is_ok_and(|frame| frame["t"] == "welcome")
    }

    /// One that is welcome with `token`.
    pub(crate) async fn with(gate: &Gate, via: Via, token: &str) -> Self {
        let mut wire = Self::silent(gate, via).await;
        assert!(wire.greet(token).await, "not welcome");
        wire
    }

    /// One that is welcome with the secret key.
    pub(crate) async fn new(gate: &Gate, via: Via) -> Self {
        Self::with(gate, via, KEY).await
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.message(Message::text(frame.to_string())).await;
    }

    /// A failure shows when an answer is read.
    pub(crate) async fn message(&mut self, message: Message) {
        self.pipe.send(message).await;
    }

    /// Frames without waiting for answers between them.
    pub(crate) async fn send_together(&mut self, frames: &[Value]) {
        for frame in frames {
            self.send(frame).await;
        }
    }

    /// The next frame; or how it ended.
    pub(crate) async fn try_next(&mut self) -> Result<Value, End> {
        let text = timeout(PATIENCE, self.pipe.next()).await.expect("a frame in time")?;
        GatewayFrame::parse(&text).expect("a frame");
        Ok(serde_json::from_str(&text).expect("JSON"))
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
                    let (code, reason) = close.expect("a code");
                    return (frames, code, reason);
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
