//! What an agent's loop gets when it boots (trigger-agent §1.1).

use serde_json::{Map, Value};

use crate::sessions::row::SessionRow;

/// Said by the gateway alone, whatever the base payload holds.
const RESERVED: [&str; 4] = ["actionSource", "continuation", "previousRunId", "sessionId"];
/// Only for a session's first run: another must not answer the first message again.
const STICKY: [&str; 7] =
    ["trigger", "message", "messages", "messageId", "action", "headStartMessages", "previousRunId"];

/// The payload of a run of `row`.
pub(super) fn boot(row: &SessionRow, continuation: bool, previous: Option<&str>) -> Value {
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

fn put(payload: &mut Map<String, Value>, key: &str, value: Value) {
    payload.insert(key.to_owned(), value);
}
