//! What the client decides with `tidegate_protocol`, as `decide` asks for it.

use serde_json::{Value, json};
use tidegate_protocol::cursor::parse_last_event_id;
use tidegate_protocol::sse::decode::Decoder;

use crate::shown::Failure;

/// Those that there are.
pub(crate) const NAMES: [&str; 2] = ["cursor", "sse-decode"];

/// The decision `name` in `case`.
pub(crate) fn decide(name: &str, case: &Value) -> Result<Value, Failure> {
    match name {
        "cursor" => Ok(cursor(case)),
        "sse-decode" => Ok(sse_decode(case)),
        _ => Err(Failure::failed("unknown decision")),
    }
}

fn cursor(case: &Value) -> Value {
    match parse_last_event_id(case["last_event_id"].as_str().unwrap_or_default()) {
        Ok(after) => json!({"after": after}),
        Err(_) => json!({"error": "invalid_cursor"}),
    }
}

fn sse_decode(case: &Value) -> Value {
    let max = case["max_event_bytes"].as_u64().and_then(|max| usize::try_from(max).ok());
    let mut decoder = Decoder::new(max.unwrap_or(usize::MAX));
    let mut events = Vec::new();
    for piece in case["pieces"].as_array().into_iter().flatten() {
        let piece: Vec<u8> = serde_json::from_value(piece.clone()).unwrap_or_default();
        decoder.push(&piece.into());
        for event in decoder.by_ref() {
            let Ok(event) = event else { return json!({"events": events, "error": "too_large"}) };
            let mut found = json!({"data": String::from_utf8_lossy(&event.data)});
            let fields = [
                ("event", event.event.map(Value::from)),
                ("id", event.id.map(Value::from)),
                ("retry", event.retry.map(Value::from)),
            ];
            for (key, value) in fields {
                if let Some(value) = value {
                    found[key] = value;
                }
            }
            events.push(found);
        }
    }
    json!({"events": events, "cut": decoder.finish()})
}
