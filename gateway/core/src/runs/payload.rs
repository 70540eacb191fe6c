//! What an agent's loop gets when it boots (trigger-agent §1.1).

use serde_json::{Map, Value};

use crate::sessions::head_start::HANDOVER_PREPARE;
use crate::sessions::row::SessionRow;

/// Said by the gateway alone, whatever the base payload holds.
const RESERVED: [&str; 4] = ["actionSource", "continuation", "previousRunId", "sessionId"];
/// Only for a session's first run: another must not answer the first message again.
const STICKY: [&str; 7] =
    ["trigger", "message", "messages", "messageId", "action", "headStartMessages", "previousRunId"];

/// The payload of a run of `row`; with `head_start` it takes over a turn that somebody else began.
pub(super) fn boot(
    row: &SessionRow,
    continuation: bool,
    previous: Option<&str>,
    head_start: bool,
) -> Value {
    let config = row.trigger_config.as_object();
    let base = config.and_then(|config| config.get("basePayload")).and_then(Value::as_object);
    let mut payload = base.cloned().unwrap_or_default();
    for key in RESERVED {
        payload.remove(key);
    }
    let idle = config.and_then(|config| config.get("idleTimeoutInSeconds"));
    if let (Some(idle), false) = (idle, payload.contains_key("idleTimeoutInSeconds")) {
        payload.insert("idleTimeoutInSeconds".to_owned(), idle.clone());
    }
    if continuation {
        for key in STICKY {
            payload.remove(key);
        }
        put(&mut payload, "continuation", Value::Bool(true));
        if head_start {
            put(&mut payload, "trigger", Value::String(HANDOVER_PREPARE.to_owned()));
        }
        if let Some(previous) = previous {
            put(&mut payload, "previousRunId", Value::String(previous.to_owned()));
        }
    } else if !payload.contains_key("trigger") {
        put(&mut payload, "trigger", Value::String("preload".to_owned()));
    }
    put(&mut payload, "chatId", Value::String(row.name().to_owned()));
    put(&mut payload, "sessionId", Value::String(row.id.clone()));
    Value::Object(payload)
}

/// A first run that takes over from the gateway: the history comes with it (R-HDS-17).
pub(super) fn prepare(payload: &mut Value, messages: Vec<Value>) {
    let Some(payload) = payload.as_object_mut() else { return };
    for key in STICKY {
        payload.remove(key);
    }
    put(payload, "trigger", Value::String(HANDOVER_PREPARE.to_owned()));
    put(payload, "headStartMessages", Value::Array(messages));
}

fn put(payload: &mut Map<String, Value>, key: &str, value: Value) {
    payload.insert(key.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(config: Value) -> SessionRow {
        SessionRow {
            id: "session_1".to_owned(),
            external_id: Some("c1".to_owned()),
            environment: "dev".to_owned(),
            kind: "chat.agent".to_owned(),
            agent: "a".to_owned(),
            trigger_config: config,
            tags: Vec::new(),
            metadata: None,
            run_id: String::new(),
            closed_at: None,
            closed_reason: None,
            expires_at: None,
            created_at: 0,
            updated_at: 0,
            depth: 0,
            version: 1,
        }
    }

    #[test]
    fn the_first_run_gets_the_base_payload() {
        let message = json!({"id": "u1", "role": "user", "parts": []});
        let base = json!({"trigger": "submit-message", "message": message, "metadata": {"a": 1}});
        let payload = boot(&row(json!({"basePayload": base})), false, None, false);
        let expected = json!({"trigger": "submit-message", "message": message,
            "metadata": {"a": 1}, "chatId": "c1", "sessionId": "session_1"});
        assert_eq!(payload, expected);
    }

    #[test]
    fn a_later_run_gets_nothing_that_asks_for_the_first_turn() {
        let base = json!({"trigger": "submit-message", "message": {}, "messages": [],
            "messageId": "m", "action": {}, "headStartMessages": [], "metadata": 7, "own": true});
        let payload = boot(&row(json!({"basePayload": base})), true, Some("run_11"), false);
        let expected = json!({"metadata": 7, "own": true, "continuation": true,
            "previousRunId": "run_11", "chatId": "c1", "sessionId": "session_1"});
        assert_eq!(payload, expected);
    }

    #[test]
    fn what_the_gateway_alone_may_say_is_not_taken_from_the_base_payload() {
        let base = json!({"actionSource": "webhook", "continuation": true, "chatId": "other",
            "previousRunId": "run_x", "sessionId": "session_x", "trigger": "action"});
        let payload = boot(&row(json!({"basePayload": base})), false, None, false);
        let expected = json!({"trigger": "action", "chatId": "c1", "sessionId": "session_1"});
        assert_eq!(payload, expected);
        let payload = boot(&row(json!({"basePayload": base})), true, None, false);
        let expected = json!({"continuation": true, "chatId": "c1", "sessionId": "session_1"});
        assert_eq!(payload, expected);
    }

    #[test]
    fn without_a_base_payload_the_first_run_waits_for_a_message() {
        let expected = json!({"trigger": "preload", "chatId": "c1", "sessionId": "session_1"});
        for config in [json!(null), json!({}), json!({"basePayload": [1]})] {
            assert_eq!(boot(&row(config), false, None, false), expected);
        }
    }

    #[test]
    fn the_idle_timeout_is_the_base_payloads_or_the_configurations() {
        let idle = |config| boot(&row(config), false, None, false)["idleTimeoutInSeconds"].clone();
        assert_eq!(idle(json!({"idleTimeoutInSeconds": 5})), 5);
        let base = json!({"idleTimeoutInSeconds": 9});
        assert_eq!(idle(json!({"idleTimeoutInSeconds": 5, "basePayload": base})), 9);
    }
}
