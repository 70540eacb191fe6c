//! Parts of messages as chat-completions content.

use serde_json::{Value, json};

/// The texts of `parts`, joined.
pub(super) fn text_of(parts: &[Value]) -> String {
    let texts = parts.iter().filter(|part| part["type"] == "text");
    texts.filter_map(|part| part["text"].as_str()).collect()
}

/// A user message's content: a string, or a list if there is more than text.
pub(super) fn content(parts: &[Value]) -> Value {
    if parts.iter().all(|part| part["type"] != "file") {
        return text_of(parts).into();
    }
    parts.iter().filter_map(part_content).collect()
}

/// What a tool call came to, for the model.
pub(super) fn tool_result(part: &Value) -> String {
    let reason = || part["approval"]["reason"].as_str();
    match part["state"].as_str() {
        Some("output-available") => match &part["output"] {
            Value::String(text) => text.clone(),
            output => output.to_string(),
        },
        Some("output-error") => {
            format!("Error: {}", part["errorText"].as_str().unwrap_or("the tool failed"))
        }
        Some("output-denied") => denied(reason()),
        Some("approval-responded") if part["approval"]["approved"] == false => denied(reason()),
        _ => "The tool gave no result.".to_owned(),
    }
}

fn denied(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("The user denied this tool call: {reason}"),
        None => "The user denied this tool call.".to_owned(),
    }
}

fn part_content(part: &Value) -> Option<Value> {
    match part["type"].as_str()? {
        "text" => Some(json!({"type": "text", "text": part["text"]})),
        "file" => Some(file(part)),
        _ => None,
    }
}

fn file(part: &Value) -> Value {
    let url = part["url"].as_str().unwrap_or_default();
    let media_type = part["mediaType"].as_str().unwrap_or_default();
    let name = part["filename"].as_str();
    if media_type.split('/').next() == Some("image") {
        return json!({"type": "image_url", "image_url": {"url": url}});
    }
    let data = url.strip_prefix("data:").and_then(|_| url.split_once(";base64,"));
    match (data, media_type) {
        (Some((_, data)), "audio/wav" | "audio/x-wav") => audio(data, "wav"),
        (Some((_, data)), "audio/mpeg" | "audio/mp3") => audio(data, "mp3"),
        (Some(_), _) => json!({
            "type": "file",
            "file": {"filename": name.unwrap_or("file"), "file_data": url},
        }),
        // The API fetches images only; the model can at least be told.
        (None, _) => json!({
            "type": "text",
            "text": format!("[file {} ({media_type}): {url}]", name.unwrap_or("without a name")),
        }),
    }
}

fn audio(data: &str, format: &str) -> Value {
    json!({"type": "input_audio", "input_audio": {"data": data, "format": format}})
}
