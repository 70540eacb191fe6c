use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ui::{clean_partial, json_strategy, upsert_message};

fn pushed(chunks: Value) -> Accumulator {
    let mut state = Accumulator::new("m");
    for chunk in chunks.as_array().unwrap() {
        state.push(chunk).unwrap();
    }
    state
}

#[test]
fn content_is_what_a_user_could_see() {
    let prelude = json!([
        {"type": "start", "messageId": "m", "messageMetadata": {"a": 1}},
        {"type": "start-step"},
        {"type": "message-metadata", "messageMetadata": {"b": 2}},
        {"type": "finish-step"},
        {"type": "finish"},
    ]);
    assert!(!pushed(prelude).has_content());
    assert!(pushed(json!([{"type": "text-start", "id": "1"}])).has_content());
    // Not kept, but it was shown.
    assert!(pushed(json!([{"type": "data-x", "data": 1, "transient": true}])).has_content());
}

#[test]
fn open_parts_are_listed_by_age() {
    let mut state = pushed(json!([
        {"type": "start-step"},
        {"type": "text-start", "id": "z"},
        {"type": "text-start", "id": "a"},
        {"type": "text-start", "id": "b"},
        {"type": "text-end", "id": "a"},
        {"type": "reasoning-start", "id": "r"},
        {"type": "tool-input-start", "toolCallId": "c", "toolName": "t"},
    ]));
    let open = OpenParts {
        text: vec!["z".into(), "b".into()],
        reasoning: vec!["r".into()],
        tool_inputs: vec!["c".into()],
        step: true,
    };
    assert_eq!(state.open_parts(), open);
    state.push(&json!({"type": "finish-step"})).unwrap();
    assert!(!state.open_parts().step);
}

#[test]
fn a_refused_chunk_changes_nothing() {
    let mut state = pushed(json!([{"type": "start", "messageMetadata": "text"}]));
    let before = state.message();
    let refused = [
        json!({"type": "text-delta", "id": "1", "delta": "x"}),
        json!({"type": "tool-output-denied", "toolCallId": "c"}),
        json!({"type": "finish", "messageMetadata": {"a": 1}}),
    ];
    let errors: Vec<String> =
        refused.iter().map(|chunk| state.push(chunk).unwrap_err().to_string()).collect();
    assert_eq!(
        errors,
        [
            "`text-delta` chunk names part \"1\", which is not open",
            "`tool-output-denied` chunk names tool call \"c\", which the message does not have",
            "message metadata can't be merged: members over a primitive",
        ]
    );
    assert_eq!(state.message(), before);
}

#[test]
fn only_an_assistant_message_is_continued() {
    let refused = [
        json!(null),
        json!({"id": "u", "role": "user", "parts": []}),
        json!({"role": "assistant", "parts": []}),
        json!({"id": "a", "role": "assistant"}),
        json!({"id": "a", "role": "assistant", "parts": [{"text": "no type"}]}),
    ];
    for message in refused {
        let error = Accumulator::resume(message).unwrap_err();
        assert!(matches!(error, ChunkError::NotAnAssistantMessage(_)), "{error}");
    }
    let message = json!({"id": "a", "role": "assistant", "metadata": {"a": 1}, "other": 2,
        "parts": [{"type": "text", "text": "x"}]});
    assert_eq!(Accumulator::resume(message.clone()).unwrap().into_message(), message);
}

#[test]
fn a_long_input_is_parsed_only_when_asked_for() {
    let mut state = pushed(json!([
        {"type": "tool-input-start", "toolCallId": "c", "toolName": "t"},
        {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "[0"},
    ]));
    for n in 1..20_000 {
        let delta = json!({"type": "tool-input-delta", "toolCallId": "c",
            "inputTextDelta": format!(",{n}")});
        state.push(&delta).unwrap();
    }
    assert_eq!(state.message()["parts"][0]["input"].as_array().map(Vec::len), Some(20_000));
}

proptest! {
    #[test]
    fn any_json_is_taken_or_refused(
        message in json_strategy::value(),
        chunks in prop::collection::vec(json_strategy::chunk(), 0..12),
    ) {
        let mut state =
            Accumulator::resume(message.clone()).unwrap_or_else(|_| Accumulator::new("m"));
        for chunk in &chunks {
            let before = state.message();
            if state.push(chunk).is_err() {
                prop_assert_eq!(state.message(), before);
            }
        }
        let mut messages = vec![state.message()];
        let _ = upsert_message(&mut messages, message.clone());
        let _ = clean_partial(message);
        let _ = clean_partial(state.into_message());
    }
}
