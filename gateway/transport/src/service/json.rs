//! JSON bodies, with errors that name the field.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

/// Reads a JSON object.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // Serde would also take an array for a struct.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::new(ErrorCode::InvalidBody, "the body must be a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| explain::<T>(bytes, &error))
}

/// Reads a JSON object; an empty body is the default.
pub(crate) fn read_or_default<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T> {
    if bytes.trim_ascii().is_empty() { Ok(T::default()) } else { read(bytes) }
}

fn explain<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let refused = ApiError::new(ErrorCode::InvalidBody, error.to_string());
    let Ok(object) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return refused };
    match field::<T>(object, &refused.message) {
        Some(field) => {
            let message = format!("{field}: {}", refused.message);
            ApiError::new(ErrorCode::InvalidBody, message).at(field)
        }
        None => refused,
    }
}

/// The field at fault: the one that `message` names as missing, or the first that can't be read
/// even alone.
fn field<T: DeserializeOwned>(object: Map<String, Value>, message: &str) -> Option<String> {
    let missing = |message: &str| {
        let rest = message.strip_prefix("missing field `")?;
        rest.split_once('`').map(|(name, _)| name.to_owned())
    };
    if let Some(name) = missing(message) {
        return Some(name);
    }
    let is_bad = |name: &String, value: Value| {
        let alone = Map::from_iter([(name.clone(), value)]);
        let error = serde_json::from_value::<T>(Value::Object(alone)).err();
        error.is_some_and(|error| missing(&error.to_string()).is_none())
    };
    object.into_iter().find_map(|(name, value)| is_bad(&name, value).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::sessions::request::CreateSession;

    #[test]
    fn errors_name_the_field() {
        let cases = [
            (r#"{"type":"x"}"#, Some("taskIdentifier")),
            (r#"{"type":1}"#, Some("type")),
            (r#"{"type":"x","taskIdentifier":"a","triggerConfig":[]}"#, Some("triggerConfig")),
            (r#"{"tags":["a"],"metadata":3,"type":7}"#, Some("metadata")),
            ("{", None),
            ("[]", None),
            ("\"x\"", None),
        ];
        for (body, field) in cases {
            let error = read::<CreateSession>(body.as_bytes()).expect_err(body);
            assert_eq!(error.param.as_deref(), field, "{body}");
        }
    }
}
