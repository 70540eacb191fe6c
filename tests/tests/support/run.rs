//! Runs the cases of a suite against a gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_protocol::{Record, control};
use tidegate_tests::client::Failure;

use super::check::{boundary, check};
use super::exchange::{self, Asked, Outcome, chunk};
use super::fill::{self, Saved};
use super::suite::{Append, Case, Expect, Read, Request, Step};

/// No step may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One case's client.
pub(crate) struct Run<'a> {
    address: &'a str,
    key: &'a str,
    saved: Saved,
    messages: usize,
}

impl<'a> Run<'a> {
    /// `chat` is a fresh external id.
    pub(crate) fn new(address: &'a str, key: &'a str, chat: &str) -> Self {
        let saved = Saved::from([("chat".to_owned(), chat.into())]);
        Self { address, key, saved, messages: 0 }
    }

    /// Runs every step; the first that fails ends the case.
    pub(crate) async fn case(&mut self, case: &Case) -> Result<(), String> {
        for (number, step) in (1..).zip(&case.steps) {
            let done = tokio::time::timeout(PATIENCE, self.step(step)).await;
            let done = done.unwrap_or_else(|_| Err("it took too long".into()));
            done.map_err(|error| format!("step {number}: {error}"))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        let (status, outcome) = if let Some(request) = &step.request {
            (200, self.request(request).await?)
        } else if let Some(over) = &step.create {
            (201, self.create(over).await?)
        } else if let Some(append) = &step.append {
            (200, self.append(append).await?)
        } else if let Some(read) = &step.read {
            (200, self.read(read).await?)
        } else {
            return self.resume_every().await;
        };
        check(&self.filled(&step.expect), status, &outcome)?;
        for (name, place) in &step.save {
            let value = find(&outcome, place).ok_or_else(|| format!("there is no {place}"))?;
            self.saved.insert(name.clone(), value);
        }
        Ok(())
    }

    async fn request(&self, request: &Request) -> Result<Outcome, Failure> {
        let mut headers = self.headers(request.credential.as_deref().unwrap_or("secret"));
        for (name, value) in &request.headers {
            headers.insert(name.clone(), fill::text(value, &self.saved, false));
        }
        let body = match (&request.json, &request.text) {
            (Some(json), _) => fill::json(json, &self.saved).to_string(),
            (None, Some(text)) => fill::text(text, &self.saved, false),
            (None, None) => String::new(),
        };
        let path = fill::text(&request.path, &self.saved, !request.raw_path);
        let asked = Asked { method: request.method.clone(), path, headers, body };
        exchange::request(self.address, asked).await
    }

    async fn create(&mut self, over: &Map<String, Value>) -> Result<Outcome, Failure> {
        let mut body = json!({
            "type": "chat.agent", "externalId": "${chat}", "taskIdentifier": "demo",
            "triggerConfig": {"basePayload": {"chatId": "${chat}", "trigger": "preload"}},
        });
        let map = body.as_object_mut().expect("an object");
        map.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
        let path = "/api/v1/sessions".to_owned();
        let request =
            Request { method: "POST".into(), path, json: Some(body), ..Request::default() };
        let outcome = self.request(&request).await?;
        for (name, place) in [("id", "/id"), ("token", "/publicAccessToken")] {
            if let Some(value) = find(&outcome, place) {
                self.saved.insert(name.to_owned(), value);
            }
        }
        Ok(outcome)
    }

    async fn append(&mut self, append: &Append) -> Result<Outcome, Failure> {
        self.messages += 1;
        let id = format!("u{}", self.messages);
        let body = match (&append.say, &append.kind, &append.payload) {
            (Some(text), None, None) => json!({"kind": "message", "payload": {
                "trigger": "submit-message", "chatId": "${chat}",
                "message": {"id": id, "role": "user", "parts": [{"type": "text", "text": text}]},
            }}),
            (None, Some(kind), None) => json!({"kind": kind}),
            (None, None, Some(payload)) => json!({"kind": "message", "payload": payload}),
            _ => return Err("an append has one of say, kind and payload".into()),
        };
        let part = append.part_id.clone().map(|id| ("x-part-id".to_owned(), id));
        self.request(&Request {
            method: "POST".into(),
            path: "/realtime/v1/sessions/${chat}/in/append".into(),
            credential: append.credential.clone().or(Some("${token}".into())),
            headers: part.into_iter().collect(),
            json: Some(body),
            ..Request::default()
        })
        .await
    }

    async fn read(&self, read: &Read) -> Result<Outcome, Failure> {
        let mut headers = self.headers(read.credential.as_deref().unwrap_or("${token}"));
        headers.insert("accept".into(), "text/event-stream".into());
        let timeout = read.timeout.clone().unwrap_or_else(|| 10.into());
        let timeout = timeout.as_str().map_or_else(|| timeout.to_string(), str::to_owned);
        headers.insert("timeout-seconds".into(), timeout);
        if let Some(cursor) = &read.cursor {
            let cursor = fill::text(cursor, &self.saved, false);
            headers.insert("last-event-id".into(), cursor);
        }
        if read.peek {
            headers.insert("x-peek-settled".into(), "1".into());
        }
        let channel = read.channel.as_deref().unwrap_or("out");
        let path = format!("/realtime/v1/sessions/${{chat}}/{channel}");
        let path = fill::text(&path, &self.saved, true);
        let asked = Asked { method: "GET".into(), path, headers, body: String::new() };
        exchange::read(self.address, asked, &read.until).await
    }

    async fn resume_every(&self) -> Result<(), Failure> {
        let log = self.after(0).await?;
        if log.is_empty() {
            return Err("the log is empty".into());
        }
        for (index, record) in log.iter().enumerate() {
            let rest = self.after(record.seq_num).await?;
            if rest != log[index + 1..] {
                return Err(format!("after {}: {rest:?}", record.seq_num).into());
            }
        }
        Ok(())
    }

    async fn after(&self, cursor: u64) -> Result<Vec<Record>, Failure> {
        let read = Read {
            channel: None,
            credential: None,
            cursor: Some(cursor.to_string()),
            timeout: None,
            peek: true,
            until: "end".into(),
        };
        let mut outcome = self.read(&read).await?;
        if outcome.headers.get("x-session-settled").map(String::as_str) != Some("true") {
            return Err("the session is not settled".into());
        }
        for record in &mut outcome.records {
            record.headers.retain(|(name, _)| name != control::ACCESS_TOKEN);
        }
        Ok(outcome.records)
    }

    fn headers(&self, credential: &str) -> BTreeMap<String, String> {
        let bearer = match credential {
            "none" => return BTreeMap::new(),
            "secret" => self.key.to_owned(),
            other => fill::text(other, &self.saved, false),
        };
        BTreeMap::from([("authorization".to_owned(), format!("Bearer {bearer}"))])
    }

    fn filled(&self, expect: &Expect) -> Expect {
        let text = |text: &String| fill::text(text, &self.saved, false);
        let mut filled = expect.clone();
        filled.json = expect.json.as_ref().map(|json| fill::json(json, &self.saved));
        for value in filled.headers.values_mut().chain(filled.boundary.values_mut()) {
            *value = value.as_ref().map(text);
        }
        filled.same.values_mut().for_each(|value| *value = text(value));
        filled.text = filled.text.as_ref().map(text);
        filled
    }
}

/// What a step saves: a JSON pointer, or a word about the records.
fn find(outcome: &Outcome, place: &str) -> Option<Value> {
    if place.starts_with('/') {
        return outcome.json.as_ref()?.pointer(place).cloned();
    }
    let records = &outcome.records;
    match place {
        "last" => Some(records.last()?.seq_num.into()),
        "message" => {
            let starts = records.iter().filter_map(chunk).filter(|c| c["type"] == "start");
            starts.last()?.get("messageId").cloned()
        }
        place => Some(boundary(records)?.header(place.strip_prefix("boundary.")?)?.into()),
    }
}
