//! One chunk of an AI SDK UI message stream.

use serde_json::Value;

use super::json::parse_js;
use super::kind::Kind;
use super::schema;

/// Why a chunk, or a message to continue, was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("chunk is not JSON: {0}")]
    Json(String),
    #[error("chunk is not a JSON object")]
    NotAnObject,
    #[error("chunk has no string `type`")]
    NoType,
    #[error("`{kind}` chunk lacks `{field}`")]
    Missing { kind: String, field: &'static str },
    #[error("`{field}` of a `{kind}` chunk must be {expected}")]
    Field { kind: String, field: &'static str, expected: &'static str },
    #[error("`{kind}` chunk names part \"{id}\", which is not open")]
    NoOpenPart { kind: &'static str, id: String },
    #[error("`{kind}` chunk names tool call \"{id}\", which the message does not have")]
    UnknownToolCall { kind: &'static str, id: String },
    #[error("`tool-approval-response` names approval \"{0}\", which the message does not have")]
    UnknownApproval(String),
    #[error("message metadata can't be merged: {0}")]
    Metadata(&'static str),
    #[error("not an assistant message to continue: {0}")]
    NotAnAssistantMessage(&'static str),
}

/// A chunk with the shape that `ai` 7's `uiMessageChunkSchema` asks of its type.
///
/// Unknown types are chunks too: a later version of the SDK may add them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk(Value);

impl Chunk {
    /// Parses and checks the JSON text of one chunk.
    ///
    /// A lone UTF-16 surrogate escape (legal in JavaScript's JSON) becomes U+FFFD.
    pub fn parse(text: &str) -> Result<Self, ChunkError> {
        parse_js(text).map_err(|e| ChunkError::Json(e.to_string())).and_then(Self::from_value)
    }

    /// Checks an already parsed chunk.
    pub fn from_value(value: Value) -> Result<Self, ChunkError> {
        check(&value)?;
        Ok(Self(value))
    }

    /// The chunk's `type`.
    pub fn kind(&self) -> &str {
        type_of(&self.0).unwrap_or_default()
    }

    pub fn value(&self) -> &Value {
        &self.0
    }

    pub fn into_value(self) -> Value {
        self.0
    }
}

/// The kind of a chunk whose fields have the types that `ai` asks for.
pub(super) fn check(chunk: &Value) -> Result<Kind, ChunkError> {
    if !chunk.is_object() {
        return Err(ChunkError::NotAnObject);
    }
    let name = type_of(chunk).ok_or(ChunkError::NoType)?;
    let kind = Kind::of(name);
    schema::check_fields(kind, name, chunk)?;
    Ok(kind)
}

pub(super) fn type_of(value: &Value) -> Option<&str> {
    value.get("type").and_then(Value::as_str)
}

/// A string field; empty where the caller's schema check made it impossible to be absent.
pub(super) fn text<'a>(chunk: &'a Value, field: &str) -> &'a str {
    chunk.get(field).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn flag(chunk: &Value, field: &str) -> bool {
    chunk.get(field).and_then(Value::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_shows_its_type_and_value() {
        let chunk = Chunk::parse(r#"{"type":"text-delta","id":"1","delta":"hi"}"#).unwrap();
        assert_eq!(chunk.kind(), "text-delta");
        assert_eq!(chunk.value()["delta"], "hi");
        let later = Chunk::parse(r#"{"type":"hologram"}"#).unwrap();
        assert_eq!(later.kind(), "hologram");
    }

    #[test]
    fn what_is_wrong_with_a_chunk_is_named() {
        let error = |text| Chunk::parse(text).unwrap_err().to_string();
        assert_eq!(Chunk::parse("[]"), Err(ChunkError::NotAnObject));
        assert_eq!(Chunk::parse(r#"{"type":3}"#), Err(ChunkError::NoType));
        assert!(error("{").starts_with("chunk is not JSON"));
        let no_delta = error(r#"{"type":"text-delta","id":"1"}"#);
        assert_eq!(no_delta, "`text-delta` chunk lacks `delta`");
        assert_eq!(
            error(r#"{"type":"start","messageId":null}"#),
            "`messageId` of a `start` chunk must be a string"
        );
    }

    #[test]
    fn a_split_surrogate_pair_does_not_lose_the_chunk() {
        let chunk = Chunk::parse(r#"{"type":"text-delta","id":"1","delta":"a\ud83d"}"#).unwrap();
        assert_eq!(chunk.value()["delta"], "a\u{fffd}");
    }
}
