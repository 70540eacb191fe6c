//! One chat.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_protocol::cursor::Start;

use super::append::append;
use super::error::Error;
use super::http::{Ask, Paths};
use super::mode::Mode;
use super::place::{Channel, Place};
use super::reply::{self, Reply};
use super::shared::Shared;
use super::subscription::Subscription;

/// A session of a gateway, by its name. Clones are the same session.
#[derive(Clone)]
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) paths: Paths,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, name: &str) -> Self {
        let place = Place::default();
        Self { shared, name: name.to_owned(), paths: Paths::new(name, &place), place }
    }

    /// The same session, whose `append`, `subscribe` and `records` are of another stream: the
    /// channel `channel`, of the side channel `side` if there is one (R-CH).
    pub fn stream(&self, channel: Channel, side: Option<&str>) -> Self {
        let place = Place { channel: Some(channel), side: side.map(str::to_owned) };
        let paths = Paths::new(&self.name, &place);
        Self { shared: Arc::clone(&self.shared), name: self.name.clone(), place, paths }
    }

    /// Its name, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the session, or finds it (R-CRT). `agent` is what answers; `more` is an object of
    /// further fields of the request, perhaps empty. The answer is the session item with
    /// `publicAccessToken`, `runId` and `isCached`.
    pub async fn create(&self, agent: &str, more: Value) -> Result<Value, Error> {
        let mut body = json!({
            "type": "chat.agent",
            "taskIdentifier": agent,
            "externalId": self.name,
            "triggerConfig": {"basePayload": {}},
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let ask = Ask::post("/api/v1/sessions".to_owned(), &body);
        // Its name makes a repetition harmless: a session that is there is found.
        self.shared.ask_again(&self.name, &ask).await?.json()
    }

    /// Closes the session (R-CLS): what was accepted is still answered. The answer is its item.
    pub async fn close(&self, reason: Option<&str>) -> Result<Value, Error> {
        let ask = Ask::post(self.paths.session("/close"), &json!({"reason": reason}));
        let ask = if reason.is_some() { ask } else { Ask { body: "{}".into(), ..ask } };
        self.shared.ask(&self.name, &ask).await?.json()
    }

    /// Sends what a user says. The seq of the input on `.in`.
    pub async fn send(&self, text: &str) -> Result<u64, Error> {
        let id = fresh_id()?;
        let part = json!({"type": "text", "text": text});
        let message = json!({"id": id, "role": "user", "parts": [part]});
        let payload = json!({"message": message, "trigger": "submit-message"});
        self.input(&payload, &id).await
    }

    /// Sends an action (R-IN-3). The seq of the input.
    pub async fn action(&self, action: Value) -> Result<u64, Error> {
        self.input(&json!({"trigger": "action", "action": action}), &fresh_id()?).await
    }

    /// Stops the turn that runs (R-IN-4). The seq of the input.
    pub async fn stop(&self) -> Result<u64, Error> {
        append(self, r#"{"kind":"stop"}"#, &fresh_id()?, false).await
    }

    /// Appends `body` to `.in` as it is; the same `part_id` again is the same record (R-APP-2).
    /// Its seq. Appends to one session are made in the order in which their futures were first
    /// polled; dropping a future gives up waiting for the outcome.
    ///
    /// What may pass is tried again, for five minutes at most. Errors: what the gateway refuses;
    /// `outbox_full`, where too much waits; `outcome_unknown`, when the five minutes are over.
    pub async fn append(&self, body: &str, part_id: &str) -> Result<u64, Error> {
        append(self, body, part_id, false).await
    }

    /// At most `limit` (1 to 1,000) records of `.out` after the seq `after`, as R-PG-1 shows them;
    /// without `after` from the latest turn on.
    pub async fn records(&self, after: Option<u64>, limit: usize) -> Result<Vec<Value>, Error> {
        let ask = Ask::get(self.paths.records(after, limit));
        let page = self.shared.ask(&self.name, &ask).await?.json()?;
        match page {
            Value::Object(mut page) => match page.remove("records") {
                Some(Value::Array(records)) => Ok(records),
                _ => Err(Error::invalid("a page without records")),
            },
            _ => Err(Error::invalid("a page that is no object")),
        }
    }

    /// The newest messages and their cursors (R-TSC-1). Needs a secret key.
    pub async fn transcript(&self) -> Result<Value, Error> {
        let ask = Ask::get(self.paths.session("/transcript"));
        self.shared.ask(&self.name, &ask).await?.json()
    }

    /// Follows `.out` from `start`.
    pub fn subscribe(&self, start: Start) -> Subscription {
        self.subscribe_over(start, self.shared.mode)
    }

    /// Follows `.out` from `start`, as `mode` says instead of the client's.
    pub fn subscribe_over(&self, start: Start, mode: Mode) -> Subscription {
        Subscription::open(self, start, mode)
    }

    /// Sends what a user says, and yields the records of the answer up to its boundary.
    pub async fn answer(&self, text: &str) -> Result<Reply, Error> {
        reply::ask(self, text).await
    }

    async fn input(&self, payload: &Value, id: &str) -> Result<u64, Error> {
        let body = json!({"kind": "message", "payload": payload});
        append(self, &body.to_string(), id, true).await
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("name", &self.name).finish_non_exhaustive()
    }
}

fn fresh_id() -> Result<String, Error> {
    let (high, low) = (entropy()?, entropy()?);
    Ok(format!("{high:016x}{low:016x}"))
}

fn entropy() -> Result<u64, Error> {
    getrandom::u64().map_err(|error| Error::new("no_entropy", error.to_string(), false))
}
