//! Takes replies apart.

use bytes::Bytes;
use redis::Value;
use tidegate_core::seams::store::StoreError;

use super::connect::CallError;

/// A reply that no script or command gives.
pub(super) fn unexpected(what: &str) -> StoreError {
    StoreError::Corrupt(format!("an unexpected reply of the server: {what}"))
}

/// A list; nothing is an empty one.
pub(super) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) | Value::Set(values) => Ok(values),
        Value::Map(pairs) => Ok(pairs.into_iter().flat_map(|(key, value)| [key, value]).collect()),
        Value::Nil => Ok(Vec::new()),
        _ => Err(unexpected("no list")),
    }
}

/// Bytes, or nothing.
pub(super) fn bytes(value: Value) -> Result<Option<Bytes>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes.into())),
        Value::SimpleString(text) => Ok(Some(text.into())),
        Value::Nil => Ok(None),
        _ => Err(unexpected("no bytes")),
    }
}

/// Text.
pub(super) fn text(value: Value) -> Result<String, StoreError> {
    let bytes = bytes(value)?.ok_or_else(|| unexpected("nothing for text"))?;
    String::from_utf8(bytes.into()).map_err(|_| unexpected("no text"))
}

/// A number, in whatever form.
pub(super) fn number(value: &Value) -> Result<u64, StoreError> {
    let found = match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Double(number) if *number >= 0.0 => Some(*number as u64),
        Value::BulkString(bytes) => {
            std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok())
        }
        Value::SimpleString(text) => text.parse().ok(),
        _ => None,
    };
    found.ok_or_else(|| unexpected("no number"))
}

/// A call that has no reply, in the seam's words.
pub(super) fn unavailable(error: CallError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
