//! Answers that go on in an assistant message: after an approval, a denial, or a tool result that
//! came from the client.

use serde_json::{Value, json};
use tidegate_core::seams::backend::TurnRequest;

use super::parts::shipment;
use super::script::Script;
use crate::history::{parts, tool_name};

/// Writes the rest of the answer.
pub(super) fn write(script: &mut Script, request: &TurnRequest) {
    let nothing = Value::Null;
    let message = request.messages.last().unwrap_or(&nothing);
    script.start(&request.answer_id);
    let mut said = Vec::new();
    for part in parts(message).iter().filter(|part| tool_name(part).is_some()) {
        if part["state"] == "approval-responded" {
            said.push(decided(script, part));
        }
    }
    if said.is_empty() {
        said.extend(last_step(message).iter().filter_map(came_back));
    }
    if said.is_empty() {
        said.push("Let me go on from there.".to_owned());
    }
    script.start_step();
    script.text(&said.join(" "));
    script.finish();
}

/// Runs or drops a tool call that a person decided on.
fn decided(script: &mut Script, part: &Value) -> String {
    let call = &part["toolCallId"];
    let item = part["input"]["item"].as_str().unwrap_or("it");
    if part["approval"]["approved"] == true {
        script.chunk(json!({
            "type": "tool-output-available", "toolCallId": call, "output": shipment(item),
        }));
        return format!("Approved, so {item} is on its way.");
    }
    script.chunk(json!({"type": "tool-output-denied", "toolCallId": call}));
    match part["approval"]["reason"].as_str() {
        Some(reason) => format!("Denied ({reason}), so {item} stays here."),
        None => format!("Denied, so {item} stays here."),
    }
}

/// What the client's tool said.
fn came_back(part: &Value) -> Option<String> {
    let name = tool_name(part)?;
    match part["state"].as_str()? {
        "output-available" => Some(format!("Your {name} says {}.", part["output"])),
        "output-error" => {
            let error = part["errorText"].as_str().unwrap_or("no reason");
            Some(format!("Your {name} failed: {error}."))
        }
        "output-denied" => Some(format!("You denied {name}.")),
        _ => None,
    }
}

fn last_step(message: &Value) -> &[Value] {
    let parts = parts(message);
    let start = parts.iter().rposition(|part| part["type"] == "step-start");
    start.map_or(parts, |at| &parts[at + 1..])
}
