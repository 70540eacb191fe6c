//! A partial answer made fit to be kept.

use serde_json::{Map, Value, json};

use super::parts::{is_step_start, is_tool, set, state_of};

/// What the model is told about a call that was approved but did not come to an end.
const NOT_RUN: &str = "The run ended before this tool call finished.";

/// A stopped or crashed answer without what would never end, valid for `validateUIMessages` and
/// `convertToModelMessages`. `None` if nothing is left that anybody could see.
///
/// Open text and reasoning are done. Calls without their whole input or their final output are
/// dropped, except one that waits for the user's approval: that can still be given. An approval
/// that was given is settled: refused calls are denied, granted ones failed.
pub fn clean_partial(mut message: Value) -> Option<Value> {
    let parts = message.get_mut("parts")?.as_array_mut()?;
    parts.retain_mut(|part| match is_tool(part) {
        true => is_kept(part) && part.as_object_mut().map(settle).is_some(),
        false => part.as_object_mut().map(end_streaming).is_some(),
    });
    parts.iter().any(|part| !is_step_start(part)).then_some(message)
}

fn is_kept(part: &Value) -> bool {
    match state_of(part) {
        "output-available" => part["preliminary"] != Value::Bool(true),
        "output-error" | "output-denied" => true,
        "approval-requested" | "approval-responded" => part["approval"]["id"].is_string(),
        _ => false,
    }
}

fn end_streaming(part: &mut Map<String, Value>) {
    if part.get("state").and_then(Value::as_str) == Some("streaming") {
        set(part, "state", Some("done".into()));
    }
}

/// Gives a tool part the members that its state asks for.
fn settle(part: &mut Map<String, Value>) {
    let approved = part.get("approval").and_then(|approval| approval["approved"].as_bool());
    let state = part.get("state").and_then(Value::as_str).unwrap_or_default();
    let (state, error) = match (state, approved) {
        ("approval-responded" | "output-denied", Some(false)) => ("output-denied", None),
        ("approval-responded", _) => ("output-error", Some(NOT_RUN)),
        ("output-denied", _) => ("output-error", Some("Tool call execution denied.")),
        ("output-error", _) => ("output-error", None),
        ("approval-requested", _) => ("approval-requested", None),
        _ => ("output-available", None),
    };
    set(part, "state", Some(state.into()));
    if let Some(error) = error {
        set(part, "errorText", Some(error.into()));
    }
    let asked_in_vain =
        matches!(state, "output-available" | "output-error") && approved != Some(true);
    if asked_in_vain {
        set(part, "approval", None);
    }
    part.entry("input").or_insert_with(|| json!({}));
    if state == "output-available" {
        part.entry("output").or_insert(Value::Null);
    }
    let unfit: &[&str] = match state {
        "output-available" => &["errorText", "rawInput", "inputEncoding"],
        "output-error" => &["output", "preliminary", "inputEncoding"],
        _ => &["output", "errorText", "preliminary", "rawInput", "inputEncoding"],
    };
    for key in unfit {
        set(part, key, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_dropped_or_settled() {
        let call = |id: &str, state: &str, approval: Value| {
            json!({"type": "tool-x", "toolCallId": id, "state": state, "input": 1,
                "approval": approval})
        };
        let partial = json!({"id": "a", "role": "assistant", "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": "hm", "state": "streaming"},
            {"type": "tool-x", "toolCallId": "1", "state": "input-streaming"},
            {"type": "tool-x", "toolCallId": "2", "state": "input-available", "input": {}},
            {"type": "tool-x", "toolCallId": "3", "state": "output-available", "input": {},
             "output": 1, "preliminary": true},
            call("4", "approval-requested", json!({"id": "p"})),
            call("5", "approval-responded", json!({"id": "p", "approved": true})),
            call("6", "approval-responded", json!({"id": "p", "approved": false})),
        ]});
        let clean = clean_partial(partial).unwrap();
        let parts = clean["parts"].as_array().unwrap();
        let states: Vec<_> =
            parts.iter().map(|p| (p["toolCallId"].as_str(), state_of(p))).collect();
        assert_eq!(
            states,
            [
                (None, ""),
                (None, "done"),
                (Some("4"), "approval-requested"),
                (Some("5"), "output-error"),
                (Some("6"), "output-denied"),
            ]
        );
    }

    #[test]
    fn nothing_is_left_of_an_empty_answer() {
        let parts = json!([{"type": "step-start"}, {"type": "dynamic-tool", "toolName": "x",
            "toolCallId": "1", "state": "input-streaming"}]);
        assert_eq!(clean_partial(json!({"id": "a", "role": "assistant", "parts": parts})), None);
        assert_eq!(clean_partial(json!(3)), None);
    }
}
