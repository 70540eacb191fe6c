//! One user of a session: says something, reads the answer.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};
use tidegate_tests::client::Client;
use tidegate_tests::process::Gateway;

/// A bound on what would otherwise hang; nothing depends on its length.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A session, and what was read of its `.out`.
pub(crate) struct Chat {
    pub(crate) client: Client,
    name: String,
    said: usize,
    pub(crate) log: Vec<Record>,
}

impl Chat {
    pub(crate) async fn create(gateway: &Gateway, agent: &str, name: &str) -> Self {
        let client = gateway.client();
        let body = json!({
            "type": "chat.agent", "externalId": name, "taskIdentifier": agent,
            "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": name}},
        });
        let answer = client.post("/api/v1/sessions", &[], &body.to_string()).await.expect("up");
        assert!(answer.status < 300, "{}", answer.json());
        Self { client, name: name.to_owned(), said: 0, log: Vec::new() }
    }

    fn path(&self, tail: &str) -> String {
        format!("/realtime/v1/sessions/{}/{tail}", self.name)
    }

    /// Appends a message; its seq.
    pub(crate) async fn say(&mut self, text: &str) -> u64 {
        self.said += 1;
        let id = format!("u{}", self.said);
        let message = json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]});
        let payload = json!({"trigger": "submit-message", "message": message});
        self.append(&json!({"kind": "message", "payload": payload})).await
    }

    pub(crate) async fn append(&self, body: &Value) -> u64 {
        let answer = self.client.post(&self.path("in/append"), &[], &body.to_string()).await;
        let answer = answer.expect("up").json();
        answer["seq"].as_u64().unwrap_or_else(|| panic!("not appended: {answer}"))
    }

    /// Reads on until `enough` of the log.
    pub(crate) async fn read_until(&mut self, enough: impl Fn(&[Record]) -> bool) {
        let reading = async {
            while !enough(&self.log) {
                let cursor = self.log.last().map(|record| record.seq_num);
                let follow = self.client.follow(&self.path("out"), cursor).await;
                let mut reader = follow.expect("up");
                while !enough(&self.log)
                    && let Some(records) = reader.next().await.expect("up")
                {
                    self.log.extend(records);
                }
            }
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        assert!(read.is_ok(), "waited too long; read so far: {:?}", self.chunks());
    }

    /// Reads the answer to the input `seq`; the text of the turn.
    pub(crate) async fn answer(&mut self, seq: u64) -> String {
        self.read_until(|log| boundary(log, seq).is_some()).await;
        let end = boundary(&self.log, seq).expect("just read");
        let begin = self.log[..end].iter().rposition(control::is_boundary).map_or(0, |at| at + 1);
        text(&self.log[begin..end])
    }

    pub(crate) async fn ask(&mut self, words: &str) -> String {
        let seq = self.say(words).await;
        self.answer(seq).await
    }

    /// Every chunk that was read.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        self.log.iter().filter_map(chunk).collect()
    }
}

/// The chunk of a data record.
pub(crate) fn chunk(record: &Record) -> Option<Value> {
    serde_json::from_str(Envelope::of(record)?.data.0.get()).ok()
}

/// The text of records.
pub(crate) fn text(records: &[Record]) -> String {
    let deltas = records.iter().filter_map(chunk).filter(|chunk| chunk["type"] == "text-delta");
    deltas.filter_map(|chunk| chunk["delta"].as_str().map(str::to_owned)).collect()
}

/// Place of the first boundary that covers the input `seq`.
fn boundary(log: &[Record], seq: u64) -> Option<usize> {
    log.iter().position(|record| {
        let floor = record.header(control::IN_EVENT_ID).and_then(|text| text.parse::<u64>().ok());
        control::is_boundary(record) && floor.is_some_and(|floor| floor >= seq)
    })
}
