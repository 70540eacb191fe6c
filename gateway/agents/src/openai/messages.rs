//! UIMessages → chat-completions messages.

use serde_json::{Value, json};

use super::content::{content, text_of, tool_result};

/// Converts a history. Reasoning, sources, data parts and files of the assistant are left out:
/// the API has no place for them.
pub(super) fn convert(system: Option<&str>, history: &[Value]) -> Vec<Value> {
    let mut out = Vec::with_capacity(history.len() + 1);
    if let Some(system) = system {
        out.push(json!({"role": "system", "content": system}));
    }
    for message in history {
        let parts = message["parts"].as_array().map_or(&[][..], Vec::as_slice);
        match message["role"].as_str() {
            Some("system") => out.push(json!({"role": "system", "content": text_of(parts)})),
            Some("user") => out.push(json!({"role": "user", "content": content(parts)})),
            Some("assistant") => assistant(parts, &mut out),
            _ => {}
        }
    }
    out
}

/// One message a step, each followed by the results of its tool calls.
fn assistant(parts: &[Value], out: &mut Vec<Value>) {
    let mut step = Step::default();
    for part in parts {
        match part["type"].as_str() {
            Some("text") => step.text.push_str(part["text"].as_str().unwrap_or_default()),
            Some("step-start") => step.close(out),
            Some("steering-message") => {
                step.close(out);
                let parts = part["parts"].as_array().map_or(&[][..], Vec::as_slice);
                out.push(json!({"role": "user", "content": content(parts)}));
            }
            Some("dynamic-tool") => step.tool(part["toolName"].as_str(), part),
            Some(other) => step.tool(other.strip_prefix("tool-"), part),
            None => {}
        }
    }
    step.close(out);
}

#[derive(Default)]
struct Step {
    text: String,
    calls: Vec<Value>,
    results: Vec<Value>,
}

impl Step {
    /// Adds a tool part; `name` is `None` if it is another part. Every call gets a result, because
    /// the API refuses a call without one.
    fn tool(&mut self, name: Option<&str>, part: &Value) {
        let (Some(name), Some(id)) = (name, part["toolCallId"].as_str()) else { return };
        if part["state"] == "input-streaming" {
            return;
        }
        let arguments = arguments(part);
        self.calls.push(json!({
            "id": id, "type": "function", "function": {"name": name, "arguments": arguments},
        }));
        self.results.push(json!({
            "role": "tool", "tool_call_id": id, "content": tool_result(part),
        }));
    }

    fn close(&mut self, out: &mut Vec<Value>) {
        let Self { text, calls, results } = std::mem::take(self);
        if text.is_empty() && calls.is_empty() {
            return;
        }
        let content = if text.is_empty() { Value::Null } else { text.into() };
        let mut message = json!({"role": "assistant", "content": content});
        if !calls.is_empty() {
            message["tool_calls"] = Value::Array(calls);
        }
        out.push(message);
        out.extend(results);
    }
}

/// Always a JSON text: a server that parses it would refuse this history for ever.
fn arguments(part: &Value) -> String {
    match part.get("input").or_else(|| part.get("rawInput")) {
        None | Some(Value::Null) => "{}".to_owned(),
        // What the model wrote was not JSON, so it was kept as text.
        Some(Value::String(text)) if part["state"] == "output-error" => {
            json!({"invalid": text}).to_string()
        }
        Some(input) => input.to_string(),
    }
}
