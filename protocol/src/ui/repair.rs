//! Small faults in a chunk's fields that have one sensible reading.

use serde_json::Value;

use super::chunk::{ChunkError, check, type_of};
use super::kind::Kind;
use super::schema::{FINISH_REASONS, required_any};

/// A chunk that `ai`'s schema accepts, or why there is none.
///
/// JavaScript drops members that are `undefined` (a tool without a result), other languages write
/// `null` for what is absent, and older versions know finish reasons that newer ones refuse.
pub(super) fn repair_fields(mut chunk: Value) -> Result<(Kind, Value), ChunkError> {
    match check(&chunk) {
        Ok(kind) => Ok((kind, chunk)),
        Err(error) => {
            mend(&mut chunk);
            // The first complaint is about what the backend sent, not about what this made of it.
            check(&chunk).map(|kind| (kind, chunk)).map_err(|_| error)
        }
    }
}

fn mend(chunk: &mut Value) {
    let kind = Kind::of(type_of(chunk).unwrap_or_default());
    let Some(members) = chunk.as_object_mut() else { return };
    members.retain(|_, value| !value.is_null());
    for field in required_any(kind) {
        members.entry(field).or_insert(Value::Null);
    }
    if kind == Kind::Finish
        && let Some(Value::String(reason)) = members.get_mut("finishReason")
        && !FINISH_REASONS.contains(&reason.as_str())
    {
        "other".clone_into(reason);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_and_null_members_are_mended() {
        let mended = |chunk| repair_fields(chunk).map(|(_, chunk)| chunk);
        assert_eq!(
            mended(json!({"type": "tool-output-available", "toolCallId": "c"})),
            Ok(json!({"type": "tool-output-available", "toolCallId": "c", "output": null}))
        );
        assert_eq!(
            mended(json!({"type": "data-x", "id": null, "data": null})),
            Ok(json!({"type": "data-x", "data": null}))
        );
        assert_eq!(
            mended(json!({"type": "finish", "finishReason": "unknown"})),
            Ok(json!({"type": "finish", "finishReason": "other"}))
        );
        let lost = json!({"type": "text-delta", "id": "1", "delta": null});
        let error =
            ChunkError::Field { kind: "text-delta".into(), field: "delta", expected: "a string" };
        assert_eq!(mended(lost), Err(error));
    }
}
