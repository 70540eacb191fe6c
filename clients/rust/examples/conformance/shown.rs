//! Events and errors as the protocol shows them.

use serde_json::{Value, json};
use tidegate_client::client::{Content, Error, Event, GapReason, Record, error};

/// An error, as JSON.
pub(crate) struct Failure(pub(crate) Value);

impl Failure {
    pub(crate) fn failed(message: &str) -> Self {
        Self(json!({"kind": "failed", "message": message}))
    }

    pub(crate) fn invalid_cursor() -> Self {
        Self(json!({"kind": "refused", "code": "invalid_cursor", "message": "no u64",
            "param": null, "retry": false}))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match &*error.code {
            error::UNREACHABLE
            | error::TOKEN_UNAVAILABLE
            | error::OUTBOX_FULL
            | error::INVALID_ANSWER
            | error::INVALID_CONFIG => Self::failed(&message),
            error::OUTCOME_UNKNOWN => Self(json!({"kind": "unknown_outcome", "message": message})),
            code => Self(json!({"kind": "refused", "code": code, "message": message,
                "param": error.param, "retry": error.retry})),
        }
    }
}

/// A record, or a gap; nothing for what is neither.
pub(crate) fn shown(event: &Event) -> Option<Value> {
    match event {
        Event::Transport(_) => None,
        Event::Gap { from, to, reason } => {
            let reason = match reason {
                GapReason::Retention => "retention",
                GapReason::Epoch => "epoch",
            };
            Some(json!({"type": "gap", "from": from, "to": to, "reason": reason}))
        }
        Event::Record(record) => Some(of_record(record)),
    }
}

/// What a control record of `kind` says.
pub(crate) fn control(record: &Record, kind: &str) -> Value {
    let header = |name: &str| record.header(name);
    let floor = header("session-in-event-id").and_then(|floor| floor.parse::<u64>().ok());
    json!({"kind": kind, "floor": floor, "closed_reason": header("session-closed-reason")})
}

fn of_record(record: &Record) -> Value {
    let pair = |(name, value): &tidegate_client::client::Header| json!([name, value]);
    let headers: Vec<Value> = record.headers.iter().map(pair).collect();
    let mut found = json!({
        "type": "record",
        "seq_num": record.seq_num,
        "timestamp": record.timestamp,
        "headers": headers,
        "body": String::from_utf8_lossy(&record.body),
    });
    match Content::of(record) {
        Content::Chunk(chunk) => found["chunk"] = chunk,
        Content::Control(kind) => found["control"] = control(record, &kind),
        Content::Raw(data) => said(&mut found, data),
    }
    found
}

/// On `.in` and side channels data is the text that was appended; it may be that of a chunk.
fn said(found: &mut Value, data: String) {
    let text = serde_json::from_str(&data).unwrap_or(data);
    match serde_json::from_str::<Value>(&text) {
        Ok(chunk) if chunk["type"].is_string() => found["chunk"] = chunk,
        _ => found["raw"] = text.into(),
    }
}
