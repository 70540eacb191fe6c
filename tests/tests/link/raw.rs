//! A worker by hand: frames as JSON, good or bad.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use serde_json::{Value, json};
use tidegate_protocol::link::{PATH, SUBPROTOCOL};
use tidegate_tests::process::{Gateway, KEY};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::chat::PATIENCE;

/// An open link.
pub(crate) struct Raw(WebSocketStream<TcpStream>);

impl Raw {
    /// Upgrades; the status and body of a refusal.
    pub(crate) async fn open(
        gateway: &Gateway,
        key: &str,
        subprotocol: Option<&str>,
    ) -> Result<Self, (u16, Value)> {
        let url = format!("ws://{}{PATH}", gateway.address);
        let mut request = url.into_client_request().expect("a URL");
        let headers = request.headers_mut();
        let bearer = HeaderValue::try_from(format!("Bearer {key}")).expect("a header");
        headers.insert("authorization", bearer);
        if let Some(subprotocol) = subprotocol {
            let value = HeaderValue::try_from(subprotocol).expect("a header");
            headers.insert("sec-websocket-protocol", value);
        }
        let stream = TcpStream::connect(&gateway.address).await.expect("up");
        match client_async(request, stream).await {
            Ok((socket, response)) => {
                assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL);
                Ok(Self(socket))
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let json = serde_json::from_slice(body).unwrap_or(Value::Null);
                Err((response.status().as_u16(), json))
            }
            Err(error) => panic!("no upgrade: {error}"),
        }
    }

    pub(crate) async fn connect(gateway: &Gateway) -> Self {
        Self::open(gateway, KEY, Some(SUBPROTOCOL)).await.expect("an upgrade")
    }

    /// Registers, and is welcome.
    pub(crate) async fn join(gateway: &Gateway, worker: &str, agents: &[&str]) -> Self {
        let mut raw = Self::connect(gateway).await;
        raw.send(&hello(worker, agents)).await;
        raw.next_of("welcome").await;
        raw
    }

    /// Registers the agent `own`, whose loop is the worker's, with room for one run.
    pub(crate) async fn join_runs(gateway: &Gateway, worker: &str) -> Self {
        let mut raw = Self::connect(gateway).await;
        let agents = [json!({"id": "own", "mode": "runs"})];
        let hello = json!({"t": "hello", "worker": worker, "epoch": 1, "capacity": 1,
            "agents": agents});
        raw.send(&hello).await;
        raw.next_of("welcome").await;
        raw
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.message(Message::text(frame.to_string())).await;
    }

    /// Sends frames with nothing between them.
    pub(crate) async fn send_together(&mut self, frames: &[Value]) {
        for frame in frames {
            self.0.feed(Message::text(frame.to_string())).await.expect("the link stands");
        }
        self.0.flush().await.expect("the link stands");
    }

    /// A failure shows when the answer is read.
    pub(crate) async fn message(&mut self, message: Message) {
        let _ = self.0.send(message).await;
    }

    /// The next frame; its close code instead, if the link was closed.
    pub(crate) async fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("waited too long");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err((close.code.into(), close.reason.to_string()));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => {
                    return Err((0, "no close frame".to_owned()));
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next frame of type `t`; others are passed over.
    pub(crate) async fn next_of(&mut self, t: &str) -> Value {
        loop {
            match self.next().await {
                Ok(frame) if frame["t"] == t => return frame,
                Ok(_) => {}
                Err(close) => panic!("closed while waiting for {t}: {close:?}"),
            }
        }
    }

    /// Reads to the close: its code, and the code of the last `error` before it.
    pub(crate) async fn closed(&mut self) -> (u16, Option<String>) {
        let mut error = None;
        loop {
            match self.next().await {
                Ok(frame) if frame["t"] == "error" => {
                    error = frame["code"].as_str().map(str::to_owned);
                }
                Ok(_) => {}
                Err((code, _)) => return (code, error),
            }
        }
    }
}

pub(crate) fn hello(worker: &str, agents: &[&str]) -> Value {
    let agents: Vec<Value> = agents.iter().map(|id| json!({"id": id, "mode": "turns"})).collect();
    json!({"t": "hello", "worker": worker, "epoch": 1, "capacity": 8, "agents": agents})
}

/// Waits until a worker has registered `agent`.
pub(crate) async fn until_known(gateway: &Gateway, agent: &str) {
    let client = gateway.client();
    let body = json!({
        "type": "chat.agent", "externalId": format!("probe-{agent}"), "taskIdentifier": agent,
        "triggerConfig": {"basePayload": {"trigger": "preload"}},
    });
    let probing = async {
        loop {
            let answer = client.post("/api/v1/sessions", &[], &body.to_string()).await;
            if answer.expect("up").status < 300 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, probing).await.expect("the agent was never registered");
}
