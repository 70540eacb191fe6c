//! One chat over HTTP, as its owner sees it.

use serde_json::{Value, json};
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};

use crate::client::{Answer, Client};
use crate::harness::{Gate, message};

/// A session and a cursor that moves on with what was read.
pub(crate) struct Chat {
    pub(crate) client: Client,
    pub(crate) name: String,
    cursor: Option<u64>,
}

impl Chat {
    /// Makes the session, with the demo agent.
    pub(crate) async fn new(gate: &Gate, name: &str) -> Self {
        gate.create(name).await;
        Self::of(gate, name)
    }

    /// A session that there is.
    pub(crate) fn of(gate: &Gate, name: &str) -> Self {
        Self { client: gate.client(), name: name.to_owned(), cursor: None }
    }

    /// A session of another agent.
    pub(crate) async fn with(gate: &Gate, name: &str, agent: &str) -> Self {
        let mut body = crate::harness::create_body(name);
        body["taskIdentifier"] = agent.into();
        let answer = gate.client().post("/api/v1/sessions", &body.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        Self::of(gate, name)
    }

    /// Goes on after `seq`.
    pub(crate) fn seek(&mut self, seq: u64) {
        self.cursor = Some(seq);
    }

    pub(crate) fn key(&self) -> SessionKey {
        SessionKey::new("dev", &self.name)
    }

    pub(crate) fn path(&self, tail: &str) -> String {
        format!("/realtime/v1/sessions/{}/{tail}", self.name)
    }

    pub(crate) async fn try_append(&self, body: &str) -> Answer {
        self.client.post(&self.path("in/append"), body).await
    }

    /// Appends to `.in`; its seq.
    pub(crate) async fn append(&self, body: &str) -> u64 {
        let answer = self.try_append(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["seq"].as_u64().expect("a seq")
    }

    pub(crate) async fn say(&self, id: &str, text: &str) -> u64 {
        self.append(&message(id, text).to_string()).await
    }

    pub(crate) async fn payload(&self, payload: Value) -> u64 {
        self.append(&json!({"kind": "message", "payload": payload}).to_string()).await
    }

    /// Reads on until `done` says so, the last record included.
    pub(crate) async fn until(&mut self, mut done: impl FnMut(&Record) -> bool) -> Vec<Record> {
        let cursor = self.cursor.map(|seq| seq.to_string());
        let headers: Vec<_> = cursor.iter().map(|seq| ("last-event-id", seq.as_str())).collect();
        let mut events = self.client.read(&self.path("out"), &headers).await;
        let mut all = Vec::new();
        loop {
            let record = events.next().await.expect("more records");
            self.cursor = Some(record.seq_num);
            all.push(record);
            if done(all.last().expect("just pushed")) {
                return all;
            }
        }
    }

    /// Reads on to the boundary that covers the input at `seq`.
    pub(crate) async fn answer_to(&mut self, seq: u64) -> Vec<Record> {
        self.until(|record| floor(record).is_some_and(|floor| floor >= seq)).await
    }

    pub(crate) async fn transcript(&self) -> Vec<Value> {
        let path = format!("/api/v1/sessions/{}/transcript?limit=1000", self.name);
        let page = self.client.get(&path).await.json();
        page["messages"].as_array().expect("a list").clone()
    }

    pub(crate) async fn fates(&self) -> Vec<Value> {
        let path = format!("/v1/sessions/{}/inputs?limit=1000", self.name);
        let page = self.client.get(&path).await.json();
        page["inputs"].as_array().expect("a list").clone()
    }
}

pub(crate) fn floor(record: &Record) -> Option<u64> {
    record.header(control::IN_EVENT_ID)?.parse().ok()
}

/// The chunks among `records`.
pub(crate) fn chunks(records: &[Record]) -> Vec<Value> {
    let data = records.iter().filter_map(Envelope::of);
    data.map(|envelope| serde_json::from_str(envelope.data.0.get()).expect("JSON")).collect()
}

/// The text among `records`.
pub(crate) fn text(records: &[Record]) -> String {
    chunks(records).iter().filter_map(|chunk| chunk["delta"].as_str()).collect()
}

/// Texts of the `error` chunks among `records`.
pub(crate) fn errors(records: &[Record]) -> Vec<String> {
    let chunks = chunks(records).into_iter().filter(|chunk| chunk["type"] == "error");
    chunks.map(|chunk| chunk["errorText"].as_str().expect("text").to_owned()).collect()
}

pub(crate) fn boundaries(records: &[Record]) -> usize {
    records.iter().filter(|record| control::is_boundary(record)).count()
}

pub(crate) fn without_token(mut record: Record) -> Record {
    record.headers.retain(|(name, _)| name != control::ACCESS_TOKEN);
    record
}
