//! A session through a balancer.

use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tidegate_protocol::sse::decode::{Decoder, Event};
use tidegate_tests::client::Client;
use tidegate_tests::process::KEY;
use tokio::net::TcpStream;

/// Nothing here takes this long unless it hangs.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// Creates a session whose agent is the demo.
pub(crate) async fn create(client: &Client, name: &str) {
    let body = json!({
        "type": "chat.agent", "externalId": name, "taskIdentifier": "demo",
        "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": name}},
    });
    let answer = client.post("/api/v1/sessions", &[], &body.to_string()).await.expect("up");
    assert!(answer.status < 300, "{}", answer.json());
}

/// Where records of a session go and come from, without a turn that would write beside them.
pub(crate) fn path(name: &str, tail: &str) -> String {
    format!("/realtime/v1/sessions/{name}/channels/side/out{tail}")
}

/// Appends one record; its seq.
pub(crate) async fn append(client: &Client, name: &str, text: &str) -> u64 {
    let part = [("x-part-id", text)];
    let answer = client.post(&path(name, "/append"), &part, &json!(text).to_string()).await;
    let answer = answer.expect("up").json();
    answer["seq"].as_u64().unwrap_or_else(|| panic!("not appended: {answer}"))
}

/// Events as they come, pings too.
pub(crate) struct Raw {
    body: Incoming,
    decoder: Decoder,
}

impl Raw {
    pub(crate) async fn open(address: &str, path: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("up");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("up");
        tokio::spawn(connection);
        let request = Request::get(path)
            .header("host", address)
            .header("authorization", format!("Bearer {KEY}"))
            .header("timeout-seconds", "60")
            .body(Empty::<bytes::Bytes>::new())
            .expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), decoder: Decoder::new(1 << 20) }
    }

    pub(crate) async fn next(&mut self) -> Event {
        let next = async {
            loop {
                if let Some(event) = self.decoder.next() {
                    return event.expect("an event");
                }
                let frame = self.body.frame().await.expect("not the end").expect("not cut");
                if let Ok(data) = frame.into_data() {
                    self.decoder.push(&data);
                }
            }
        };
        tokio::time::timeout(HANG, next).await.expect("an event")
    }
}
