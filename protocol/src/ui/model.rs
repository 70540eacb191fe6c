//! A UI message as the messages that a model is given.
//!
//! Equality with `convertToModelMessages` of `ai` 6, for messages of this crate's accumulator, is
//! the contract (`protocol/tests/differential`): hand-overs of a head start are read by its agents.

use serde_json::{Value, json};

use super::chunk::type_of;
use super::parts::{given, is_step_start, is_tool, state_of, tool_name};

/// The `ModelMessage`s of an assistant message: for each of its steps one of the role `assistant`,
/// and behind it one of the role `tool` if the step has results or answered approvals.
///
/// A step without anything that a model reads gives none. A call whose input is still streaming is
/// left out; one without an output is a `tool-call` without its `tool-result`.
pub fn to_model_messages(message: &Value) -> Vec<Value> {
    let parts = message.get("parts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut out = Vec::new();
    for step in parts.split(is_step_start) {
        let spoken: Vec<Value> = step.iter().flat_map(said).collect();
        if !spoken.is_empty() {
            out.push(json!({"role": "assistant", "content": spoken}));
        }
        let returned: Vec<Value> = step.iter().filter(|part| is_tool(part)).flat_map(got).collect();
        if !returned.is_empty() {
            out.push(json!({"role": "tool", "content": returned}));
        }
    }
    out
}

/// What a part adds to the assistant's own message.
fn said(part: &Value) -> Vec<Value> {
    let metadata = given(part, "providerMetadata");
    match type_of(part) {
        Some("text") => vec![content("text", part, &["text"], metadata)],
        // Reasoning repeats even a `null`.
        Some("reasoning") => {
            vec![content("reasoning", part, &["text"], part.get("providerMetadata"))]
        }
        Some("file") => {
            let mut file = content("file", part, &["mediaType", "filename"], None);
            file["data"] = part["url"].clone();
            with_options(&mut file, metadata);
            vec![file]
        }
        _ if is_tool(part) && state_of(part) != "input-streaming" => called(part),
        _ => Vec::new(),
    }
}

/// A call, the approval that it waits for, and the result if its provider has executed it.
fn called(part: &Value) -> Vec<Value> {
    let failed = state_of(part) == "output-error";
    let (call_metadata, result_metadata) =
        (given(part, "callProviderMetadata"), given(part, "resultProviderMetadata"));
    let mut call = json!({
        "type": "tool-call", "toolCallId": part["toolCallId"], "toolName": tool_name(part),
    });
    let input = match failed {
        true => given(part, "input").or_else(|| part.get("rawInput")),
        false => part.get("input"),
    };
    copy(&mut call, "input", input);
    copy(&mut call, "providerExecuted", part.get("providerExecuted"));
    with_options(&mut call, call_metadata.or(result_metadata.filter(|_| failed)));
    let mut out = vec![call];
    if let Some(approval) = given(part, "approval") {
        let mut request = json!({"type": "tool-approval-request"});
        copy(&mut request, "approvalId", approval.get("id"));
        copy(&mut request, "toolCallId", part.get("toolCallId"));
        copy(&mut request, "inputSchemaInput", approval.get("inputSchemaInput"));
        copy(&mut request, "signature", given(approval, "signature"));
        out.push(request);
    }
    if is_provider_executed(part) && matches!(state_of(part), "output-available" | "output-error") {
        let output = match failed {
            true => json!({"type": "error-json", "value": part["errorText"]}),
            false => output(part),
        };
        out.push(result(part, output, result_metadata.or(call_metadata)));
    }
    out
}

/// What a tool part adds to the message of the role `tool`.
fn got(part: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    let approval = &part["approval"];
    if given(approval, "approved").is_some() {
        let mut response = json!({"type": "tool-approval-response"});
        copy(&mut response, "approvalId", approval.get("id"));
        copy(&mut response, "approved", approval.get("approved"));
        copy(&mut response, "reason", approval.get("reason"));
        copy(&mut response, "providerExecuted", part.get("providerExecuted"));
        out.push(response);
    }
    let error = |text: Value| json!({"type": "error-text", "value": text});
    let output = match state_of(part) {
        _ if is_provider_executed(part) => None,
        "output-available" => Some(output(part)),
        "output-error" => Some(error(part["errorText"].clone())),
        "output-denied" => {
            let reason = given(approval, "reason").cloned();
            Some(error(reason.unwrap_or_else(|| "Tool call execution denied.".into())))
        }
        _ => None,
    };
    out.extend(output.map(|output| result(part, output, given(part, "callProviderMetadata"))));
    out
}

fn is_provider_executed(part: &Value) -> bool {
    part["providerExecuted"] == Value::Bool(true)
}

fn output(part: &Value) -> Value {
    let kind = if part["output"].is_string() { "text" } else { "json" };
    json!({"type": kind, "value": part["output"]})
}

fn result(part: &Value, output: Value, metadata: Option<&Value>) -> Value {
    let mut result = json!({
        "type": "tool-result", "toolCallId": part["toolCallId"], "toolName": tool_name(part),
        "output": output,
    });
    with_options(&mut result, metadata);
    result
}

/// A content part of the type `kind` with members of the UI message's part.
fn content(kind: &str, part: &Value, members: &[&str], metadata: Option<&Value>) -> Value {
    let mut out = json!({"type": kind});
    for key in members {
        copy(&mut out, key, part.get(*key));
    }
    with_options(&mut out, metadata);
    out
}

fn with_options(part: &mut Value, metadata: Option<&Value>) {
    copy(part, "providerOptions", metadata);
}

/// Leaves out what is not there: JavaScript's `undefined` is no member in JSON.
fn copy(into: &mut Value, key: &str, value: Option<&Value>) {
    if let Some(value) = value {
        into[key] = value.clone();
    }
}
