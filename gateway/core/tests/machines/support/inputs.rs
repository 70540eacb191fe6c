//! Bodies that clients append to `.in`.

use serde_json::json;

pub(crate) const STOP: &str = r#"{"kind":"stop"}"#;
pub(crate) const SKIP: &str = r#"{"kind":"handover-skip"}"#;
pub(crate) const ERROR: &str = r#"{"type":"error","errorText":"x"}"#;
pub(crate) const REGENERATE: &str =
    r#"{"kind":"message","payload":{"trigger":"regenerate-message"}}"#;

/// The message `u{user}`.
pub(crate) fn message(user: u64) -> String {
    let id = format!("u{user}");
    let message = json!({"id": id, "role": "user", "parts": [{"type": "text", "text": id}]});
    json!({"kind": "message", "payload": {"trigger": "submit-message", "message": message}})
        .to_string()
}

/// The first step of an answer, and whether it is all of it.
pub(crate) fn hand_over(last: bool) -> String {
    json!({"kind": "handover", "partialAssistantMessage": [], "isFinal": last}).to_string()
}

/// A message that only asks.
pub(crate) fn trigger(trigger: &str) -> String {
    json!({"kind": "message", "payload": {"trigger": trigger}}).to_string()
}
