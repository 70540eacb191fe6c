//! What callers send about sessions, checked (R-CRT, R-UPD).

use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_protocol::ids::parse_external_id;
use tidegate_protocol::limits::{
    AGENT_ID_MAX_CHARS, CLOSE_REASON_MAX_CHARS, SESSION_TYPE_MAX_CHARS, TAG_MAX_CHARS, TAGS_MAX,
};
use tidegate_protocol::{ApiError, ErrorCode};

use crate::error::Result;

/// Body of a session create. Unknown keys are ignored.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateSession {
    /// Free text.
    #[serde(rename = "type")]
    pub kind: String,
    /// The caller's id.
    pub external_id: Option<String>,
    /// The agent.
    pub task_identifier: String,
    /// Holds `basePayload`; kept as sent.
    pub trigger_config: Map<String, Value>,
    /// Labels.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// The application's own.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// ISO 8601.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Made by the transport from the request's idempotency header.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// Body of a session update. An absent key leaves the field alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateSession {
    /// New labels.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// New metadata; `Some(None)` clears it.
    #[serde(default, deserialize_with = "present")]
    pub metadata: Option<Option<Map<String, Value>>>,
    /// Can't be changed; the current value is accepted.
    #[serde(default, deserialize_with = "present")]
    pub external_id: Option<Option<String>>,
}

/// Tells `null` from absent.
fn present<'de, D, T>(deserializer: D) -> std::result::Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl CreateSession {
    /// Checks every field.
    pub fn validate(&mut self) -> Result<()> {
        length("type", &self.kind, 1, SESSION_TYPE_MAX_CHARS)?;
        length("taskIdentifier", &self.task_identifier, 1, AGENT_ID_MAX_CHARS)?;
        if let Some(id) = &self.external_id {
            let id = parse_external_id(id).map_err(|e| refused("externalId", e.to_string()))?;
            self.external_id = Some(id.to_owned());
        }
        validate_tags("tags", self.tags.as_deref())?;
        trigger_config(&self.trigger_config)
    }

    /// The first turn's payload.
    pub fn base_payload(&self) -> Option<&Map<String, Value>> {
        self.trigger_config.get("basePayload").and_then(Value::as_object)
    }
}

/// Checks labels.
pub fn validate_tags(param: &'static str, tags: Option<&[String]>) -> Result<()> {
    let tags = tags.unwrap_or_default();
    if tags.len() > TAGS_MAX {
        return Err(refused(param, format!("at most {TAGS_MAX} tags")));
    }
    tags.iter().try_for_each(|tag| length(param, tag, 0, TAG_MAX_CHARS))
}

/// Checks a close reason.
pub fn validate_reason(reason: Option<&str>) -> Result<()> {
    length("reason", reason.unwrap_or_default(), 0, CLOSE_REASON_MAX_CHARS)
}

/// `param` has a value that is not allowed.
pub fn refused(
    param: &'static str,
    message: impl Into<std::borrow::Cow<'static, str>>,
) -> ApiError {
    ApiError::new(ErrorCode::InvalidBody, message).at(param)
}

fn length(param: &'static str, text: &str, min: usize, max: usize) -> Result<()> {
    let chars = text.chars().count();
    if (min..=max).contains(&chars) {
        return Ok(());
    }
    Err(refused(param, format!("{param} must have {min} to {max} characters, not {chars}")))
}

const MACHINES: [&str; 7] =
    ["micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"];

/// The SDK validates the echoed `triggerConfig` by itself: what it would refuse is refused here,
/// so that a caller never gets a session whose answer it can't read (trap 18).
fn trigger_config(config: &Map<String, Value>) -> Result<()> {
    if !config.get("basePayload").is_some_and(Value::is_object) {
        return Err(refused("triggerConfig.basePayload", "basePayload must be an object"));
    }
    if let Some(machine) = config.get("machine")
        && !machine.as_str().is_some_and(|name| MACHINES.contains(&name))
    {
        return Err(refused(
            "triggerConfig.machine",
            format!("machine must be one of {MACHINES:?}"),
        ));
    }
    integer(config, "triggerConfig.maxAttempts", "maxAttempts", 1, 10)?;
    integer(config, "triggerConfig.maxDuration", "maxDuration", 1, u64::MAX)?;
    integer(config, "triggerConfig.idleTimeoutInSeconds", "idleTimeoutInSeconds", 1, 3_600)?;
    text(config, "triggerConfig.queue", "queue", 128)?;
    text(config, "triggerConfig.lockToVersion", "lockToVersion", 128)?;
    text(config, "triggerConfig.region", "region", 128)?;
    if let Some(tags) = config.get("tags") {
        let tags: Vec<String> = serde_json::from_value(tags.clone())
            .map_err(|_| refused("triggerConfig.tags", "tags must be a list of strings"))?;
        validate_tags("triggerConfig.tags", Some(&tags))?;
    }
    Ok(())
}

fn integer(
    config: &Map<String, Value>,
    param: &'static str,
    key: &str,
    min: u64,
    max: u64,
) -> Result<()> {
    match config.get(key) {
        None => Ok(()),
        Some(value) if value.as_u64().is_some_and(|n| (min..=max).contains(&n)) => Ok(()),
        Some(_) => Err(refused(param, format!("{key} must be an integer from {min} to {max}"))),
    }
}

fn text(config: &Map<String, Value>, param: &'static str, key: &str, max: usize) -> Result<()> {
    match config.get(key) {
        None => Ok(()),
        Some(Value::String(text)) => length(param, text, 0, max),
        Some(_) => Err(refused(param, format!("{key} must be a string"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn create(value: Value) -> Result<()> {
        serde_json::from_value::<CreateSession>(value).expect("well-typed").validate()
    }

    fn base() -> Value {
        json!({"type": "chat.agent", "taskIdentifier": "a", "triggerConfig": {"basePayload": {}}})
    }

    fn with(key: &str, value: Value) -> Value {
        let mut body = base();
        body[key] = value;
        body
    }

    #[test]
    fn fields_are_checked_and_named() {
        assert!(create(base()).is_ok());
        let cases = [
            ("type", json!("")),
            ("externalId", json!("session_1")),
            ("externalId", json!(" ")),
            ("taskIdentifier", json!("x".repeat(129))),
            ("tags", json!(vec!["t"; 11])),
            ("triggerConfig", json!({})),
            ("triggerConfig", json!({"basePayload": {}, "machine": "huge"})),
            ("triggerConfig", json!({"basePayload": {}, "maxAttempts": 11})),
        ];
        for (key, value) in cases {
            let error = create(with(key, value)).expect_err(key);
            assert!(error.param.is_some_and(|p| p.starts_with(key)), "{key}");
        }
    }

    #[test]
    fn null_is_not_absent() {
        let update: UpdateSession = serde_json::from_str(r#"{"metadata":null}"#).expect("valid");
        assert_eq!(update.metadata, Some(None));
        assert_eq!(update.external_id, None);
    }
}
