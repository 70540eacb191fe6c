//! Drains and rate limits, over HTTP and over the socket of the AI SDK binding.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidegate_core::seams::Clock;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::ReadLimit;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_transport::config::RateLimit;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::whole;
use crate::harness::{Gate, KEY};
use crate::plan::Plan;

/// Nothing here takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(20);

struct Chats(WebSocketStream<TcpStream>);

impl Chats {
    async fn open(gate: &Gate, agent: &str, ticket: Option<&str>) -> Self {
        let address = gate.server.local_addr();
        let query = ticket.map(|ticket| format!("?ticket={ticket}")).unwrap_or_default();
        let url = format!("ws://{address}/ai/{agent}/ws{query}");
        let mut request = url.into_client_request().expect("a URL");
        if ticket.is_none() {
            let bearer = format!("Bearer {KEY}").parse().expect("a header");
            request.headers_mut().insert("authorization", bearer);
        }
        let stream = TcpStream::connect(address).await.expect("connects");
        Self(client_async(request, stream).await.expect("a socket").0)
    }

    async fn send(&mut self, request: &str, chat: &str, text: &str) {
        let mut frame = asking(chat, text);
        for (key, value) in [
            ("type", json!("send")),
            ("requestId", json!(request)),
            ("trigger", json!("submit-message")),
            ("headers", json!({})),
            ("body", json!({})),
        ] {
            frame[key] = value;
        }
        self.0.send(Message::text(frame.to_string())).await.expect("open");
    }

    /// The next frame, or the code of the close.
    async fn next(&mut self) -> Result<Value, u16> {
        let next = async {
            loop {
                let message = self.0.next().await.expect("a close comes first");
                match message.expect("open") {
                    Message::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
                    Message::Close(frame) => return Err(frame.expect("a code").code.into()),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(HANG, next).await.expect("it comes")
    }

    async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await.expect("open");
            if frame["type"] == kind {
                return frame;
            }
        }
    }
}

fn asking(chat: &str, text: &str) -> Value {
    let message = json!({"id": text, "role": "user", "parts": [{"type": "text", "text": text}]});
    json!({"id": chat, "messages": [message]})
}

async fn inputs(gate: &Gate, chat: &str) -> usize {
    let stream = StreamId { session: SessionKey::new("dev", chat), channel: Channel::IN };
    let limit = ReadLimit { records: 10, bytes: 1 << 20 };
    gate.gateway.store().read(&stream, 0, limit).await.expect("it can be read").len()
}

/// R-DRN-6: it is the gateway that goes, and not the reader.
#[tokio::test]
async fn a_drain_that_cuts_its_readers_stops_no_turn() {
    let gate = Gate::start().await;
    let mut chats = Chats::open(&gate, "fragile", None).await;
    chats.send("r", "socket", "/words 200 5").await;
    chats.until("chunk").await;
    let body = asking("http", "/words 200 5").to_string();
    let mut answer = gate.client().open("POST", "/ai/fragile/chat", &[], &body).await;
    answer.body_mut().frame().await.expect("open").expect("a chunk");
    assert!(!gate.server.drain(Duration::ZERO).await);
    gate.gateway.turns().drain().await;
    for chat in ["http", "socket"] {
        assert_eq!(inputs(&gate, chat).await, 1, "{chat}");
    }
}

/// R-DRN-9, R-AI-24.
#[tokio::test]
async fn a_drain_waits_for_no_answer_that_nobody_gives() {
    let gate = Gate::start().await;
    let mut chats = Chats::open(&gate, "demo", None).await;
    chats.send("front", "c", "/words 60 5").await;
    chats.until("chunk").await;
    chats.send("behind", "c", "second").await;
    while chats.until("start").await["requestId"] != "behind" {}
    let body = asking("c", "third").to_string();
    let third = gate.client().open("POST", "/ai/demo/chat", &[], &body).await;
    gate.gateway.turns().drain().await;
    gate.server.turns_ended();
    // What ran is whole, and what nobody runs fails, in whatever order.
    let mut last = Vec::new();
    let close = loop {
        match chats.next().await {
            Ok(frame) if frame["type"] == "chunk" => assert_eq!(frame["requestId"], "front"),
            Ok(frame) => last.push(format!("{} {}", frame["requestId"], frame["type"])),
            Err(code) => break code,
        }
    };
    last.sort_unstable();
    assert_eq!(last, ["\"behind\" \"error\"", "\"front\" \"end\""]);
    assert_eq!(close, 1001);
    let third = whole(third).await.text();
    assert!(third.contains("\"type\":\"error\"") && third.ends_with("data: [DONE]\n\n"), "{third}");
    drop(chats);
    assert!(gate.server.drain(HANG).await, "something had to be cut");
    assert_eq!(inputs(&gate, "c").await, 3, "they stay owed");
}

#[derive(Debug)]
struct Frozen(u64);

impl Clock for Frozen {
    fn unix_millis(&self) -> u64 {
        self.0
    }
}

/// R-TOK-21.
#[tokio::test]
async fn tickets_count_with_their_credential() {
    let clock = Arc::new(Frozen(SystemClock.unix_millis()));
    let plan = Plan { clock, ..Plan::default() };
    let rate = RateLimit { requests_per_second: 1, burst: 4 };
    let gate = Gate::build(&plan, |config| config.rate_limit = rate).await;
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let ticket = gate.client().post("/v1/tickets", "").await.json();
        let ticket = ticket["ticket"].as_str().expect("a ticket");
        sockets.push(Chats::open(&gate, "demo", Some(ticket)).await);
    }
    let mut answered = 0;
    for chats in &mut sockets {
        for n in 0..4 {
            let request = n.to_string();
            chats.send(&request, "c", &format!("{answered}")).await;
            let first = chats.next().await.expect("open");
            if first["type"] == "error" {
                assert_eq!(first["code"], "rate_limited");
            } else {
                chats.until("end").await;
                answered += 1;
            }
        }
    }
    assert!((1..=4).contains(&answered), "{answered}");
    let body = asking("c", "over HTTP").to_string();
    assert_eq!(gate.client().post("/ai/demo/chat", &body).await.status, 429);
}
