//! A create that opens a head start (R-HDS-1, R-HDS-9): what it says, checked.

use serde_json::{Map, Value};
use tidegate_protocol::limits::{HEAD_START_WAIT_MAX_MS, HEAD_START_WAIT_MS};
use tidegate_protocol::{ApiError, ErrorCode};

use super::request::refused;
use crate::error::Result;
use crate::runs::opened::HeadStart;

/// The value of `trigger` that opens a head start.
pub(crate) const HANDOVER_PREPARE: &str = "handover-prepare";
const MESSAGES: &str = "headStartMessages";
const MESSAGES_PARAM: &str = "triggerConfig.basePayload.headStartMessages";

/// The head start that a create with this base payload asks for, if it asks for one, and the
/// messages that it brings.
pub(crate) fn asked(
    config: &Map<String, Value>,
    now: u64,
) -> Result<Option<(HeadStart, Vec<Value>)>> {
    let Some(base) = config.get("basePayload").and_then(Value::as_object) else { return Ok(None) };
    if base.get("trigger").and_then(Value::as_str) != Some(HANDOVER_PREPARE) {
        return Ok(None);
    }
    let messages = match base.get(MESSAGES) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(messages)) if messages.iter().all(|one| one["id"].is_string()) => {
            messages.clone()
        }
        Some(_) => return Err(refused(MESSAGES_PARAM, "it must be a list of UIMessages")),
    };
    let idle = |map: &Map<String, Value>| map.get("idleTimeoutInSeconds").and_then(Value::as_f64);
    let wait = idle(base).or_else(|| idle(config)).map_or(HEAD_START_WAIT_MS, |seconds| {
        // Saturates: a number that is out of range is at an end of it.
        ((seconds * 1_000.0) as u64).clamp(1, HEAD_START_WAIT_MAX_MS)
    });
    let message = messages.last().and_then(|one| one["id"].as_str()).unwrap_or_default();
    let open = HeadStart {
        message: message.to_owned(),
        first: true,
        at: now,
        wait_ms: wait,
        by_gateway: None,
        handed: None,
    };
    Ok(Some((open, messages)))
}

/// The agent has no boot to bridge.
pub(crate) fn not_for_turns(agent: &str) -> ApiError {
    let text = format!(
        "the gateway runs the turns of agent {agent:?}, so there is no run to hand over to: append \
         the message, or give the agent a `head_start` in the gateway's configuration"
    );
    ApiError::new(ErrorCode::Unprocessable, text).at("triggerConfig.basePayload.trigger")
}

/// A turn runs already.
pub(crate) fn turn_running() -> ApiError {
    let text = "a turn of this session runs, and a head start would be another: append the message \
                to the session";
    ApiError::new(ErrorCode::TurnRunning, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked_by(base: Value) -> Result<Option<(HeadStart, Vec<Value>)>> {
        asked(json!({"basePayload": base}).as_object().expect("an object"), 7)
    }

    #[test]
    fn what_a_create_asks_for() {
        let u1 = json!({"id": "u1", "role": "user", "parts": []});
        let base = json!({"trigger": "handover-prepare", "headStartMessages": [u1],
            "idleTimeoutInSeconds": 2});
        let (open, messages) = asked_by(base).expect("valid").expect("asked");
        assert_eq!((open.message.as_str(), open.at, open.wait_ms), ("u1", 7, 2_000));
        assert_eq!(messages, [u1]);
        assert!(asked_by(json!({"trigger": "preload"})).expect("valid").is_none());
    }

    #[test]
    fn the_wait_is_bounded_and_bad_messages_are_named() {
        let wait = |idle: Value| {
            let base = json!({"trigger": "handover-prepare", "idleTimeoutInSeconds": idle});
            asked_by(base).expect("valid").expect("asked").0.wait_ms
        };
        assert_eq!(wait(json!(1e12)), HEAD_START_WAIT_MAX_MS);
        assert_eq!(wait(json!(-3)), 1);
        assert_eq!(wait(json!(null)), HEAD_START_WAIT_MS);
        for bad in [json!("x"), json!([1]), json!([{"role": "user"}])] {
            let base = json!({"trigger": "handover-prepare", "headStartMessages": bad});
            let error = asked_by(base).expect_err("refused");
            assert_eq!(error.param.as_deref(), Some(MESSAGES_PARAM));
        }
    }
}
