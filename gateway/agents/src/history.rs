//! Reading UIMessages.

use serde_json::Value;

/// Text of the newest user message; empty if there is none.
pub(crate) fn last_user_text(messages: &[Value]) -> String {
    messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user")
        .map(|message| {
            let texts = parts(message).iter().filter(|part| part["type"] == "text");
            texts.filter_map(|part| part["text"].as_str()).collect()
        })
        .unwrap_or_default()
}

/// A message's parts.
pub(crate) fn parts(message: &Value) -> &[Value] {
    message["parts"].as_array().map_or(&[], Vec::as_slice)
}

/// A tool part's tool, `None` for other parts.
pub(crate) fn tool_name(part: &Value) -> Option<&str> {
    match part["type"].as_str()? {
        "dynamic-tool" => part["toolName"].as_str(),
        other => other.strip_prefix("tool-"),
    }
}
