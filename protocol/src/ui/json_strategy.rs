//! Arbitrary JSON for property tests, with a bias to what chunks and messages look like.

use proptest::prelude::*;
use serde_json::{Map, Value};

const KEYS: [&str; 24] = [
    "type",
    "id",
    "delta",
    "toolCallId",
    "toolName",
    "input",
    "output",
    "inputTextDelta",
    "inputEncoding",
    "approvalId",
    "approval",
    "approved",
    "dynamic",
    "data",
    "errorText",
    "messageId",
    "messageMetadata",
    "providerMetadata",
    "parts",
    "role",
    "state",
    "citations",
    "kind",
    "__proto__",
];
const WORDS: [&str; 30] = [
    "start",
    "start-step",
    "finish-step",
    "reset-step",
    "finish",
    "message-metadata",
    "text-start",
    "text-delta",
    "text-end",
    "reasoning-start",
    "reasoning-delta",
    "tool-input-start",
    "tool-input-delta",
    "tool-input-available",
    "tool-input-error",
    "tool-approval-request",
    "tool-approval-response",
    "tool-output-available",
    "tool-output-error",
    "tool-output-denied",
    "data-x",
    "steering-message",
    "tool-t",
    "dynamic-tool",
    "assistant",
    "input-streaming",
    "text",
    "1",
    "é{",
    "",
];

pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let members = prop::collection::vec((prop::sample::select(&KEYS[..]), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(object),
        ]
    })
}

/// Mostly chunks with every string that some type may ask for, so that many pass the schema.
pub(super) fn chunk() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(&WORDS[..22]);
    let id = prop::sample::select(&["1", "2"][..]);
    let likely = (kind, id, value(), any::<bool>()).prop_map(|(kind, id, inner, dynamic)| {
        let texts = ["id", "toolCallId", "approvalId", "toolName", "delta", "inputTextDelta"];
        let mut chunk: Map<String, Value> =
            texts.iter().map(|key| ((*key).to_owned(), id.into())).collect();
        chunk.insert("type".into(), kind.into());
        chunk.insert("errorText".into(), id.into());
        chunk.insert("approved".into(), dynamic.into());
        chunk.insert("dynamic".into(), dynamic.into());
        for key in ["input", "output", "data", "messageMetadata"] {
            chunk.insert(key.into(), inner.clone());
        }
        Value::Object(chunk)
    });
    prop_oneof![4 => likely, 1 => value()]
}

fn object(members: Vec<(&'static str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
