//! What a client sends.

use serde_json::{Map, Value};
use tidegate_protocol::limits::REQUEST_ID_MAX_BYTES;

/// A frame, checked as far as its shape goes.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    Send(Box<Send>),
    Resume(Box<Resume>),
    Abort { request: String },
}

/// A new input.
#[derive(Debug, PartialEq)]
pub(super) struct Send {
    pub(super) request: String,
    pub(super) headers: Map<String, Value>,
    /// What the body of the same request over HTTP holds.
    pub(super) chat: Map<String, Value>,
}

/// The answer that runs.
#[derive(Debug, PartialEq)]
pub(super) struct Resume {
    pub(super) request: String,
    pub(super) headers: Map<String, Value>,
    pub(super) chat: String,
    /// The last chunk that the client has of it.
    pub(super) last: Option<u64>,
}

/// What came is not a frame; closes the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoFrame(pub(super) &'static str);

/// Reads a message.
pub(super) fn parse(text: &str) -> Result<Frame, NoFrame> {
    let mut frame: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| NoFrame("a frame is a JSON object"))?;
    let kind = string(&mut frame, "type").ok_or(NoFrame("type must be a string"))?;
    let request = string(&mut frame, "requestId").ok_or(NoFrame("requestId must be a string"))?;
    if request.len() > REQUEST_ID_MAX_BYTES {
        return Err(NoFrame("requestId is too long"));
    }
    if kind == "abort" {
        return Ok(Frame::Abort { request });
    }
    let chat = string(&mut frame, "id").ok_or(NoFrame("id must be a string"))?;
    let headers = object(&mut frame, "headers").ok_or(NoFrame("headers must be an object"))?;
    if !headers.values().all(Value::is_string) {
        return Err(NoFrame("headers must be strings"));
    }
    let body = object(&mut frame, "body").ok_or(NoFrame("body must be an object"))?;
    match kind.as_str() {
        "resume" => {
            let last = match frame.remove("lastSequence") {
                None => None,
                Some(last) => {
                    Some(last.as_u64().ok_or(NoFrame("lastSequence must be a sequence"))?)
                }
            };
            Ok(Frame::Resume(Box::new(Resume { request, headers, chat, last })))
        }
        "send" => {
            let chat = chat_of(chat, body, frame)?;
            Ok(Frame::Send(Box::new(Send { request, headers, chat })))
        }
        _ => Err(NoFrame("type must be send, resume or abort")),
    }
}

/// The application's own keys come from `body`, as over HTTP.
fn chat_of(
    id: String,
    mut chat: Map<String, Value>,
    mut frame: Map<String, Value>,
) -> Result<Map<String, Value>, NoFrame> {
    match frame.get("trigger").and_then(Value::as_str) {
        Some("submit-message" | "regenerate-message") => {}
        _ => return Err(NoFrame("trigger must be submit-message or regenerate-message")),
    }
    if frame.get("messageId").is_some_and(|id| !id.is_string()) {
        return Err(NoFrame("messageId must be a string"));
    }
    if !frame
        .get("messages")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().all(is_message))
    {
        return Err(NoFrame("messages must be UI messages"));
    }
    chat.insert("id".to_owned(), Value::String(id));
    for key in ["trigger", "messageId", "messages", "metadata"] {
        if let Some(value) = frame.remove(key).filter(|value| !value.is_null()) {
            chat.insert(key.to_owned(), value);
        }
    }
    Ok(chat)
}

fn is_message(message: &Value) -> bool {
    message.get("id").is_some_and(Value::is_string)
        && message.get("role").is_some_and(Value::is_string)
        && message.get("parts").is_some_and(Value::is_array)
}

fn string(frame: &mut Map<String, Value>, key: &str) -> Option<String> {
    match frame.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn object(frame: &mut Map<String, Value>, key: &str) -> Option<Map<String, Value>> {
    match frame.remove(key) {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn send() -> Value {
        json!({"type": "send", "requestId": "r", "id": "c", "trigger": "submit-message",
            "messages": [{"id": "u", "role": "user", "parts": []}], "headers": {"a": "b"},
            "body": {"own": 1, "messages": 2}, "metadata": null})
    }

    #[test]
    fn a_send_becomes_what_http_takes() {
        let Ok(Frame::Send(frame)) = parse(&send().to_string()) else { panic!("a frame") };
        assert_eq!(
            Value::Object(frame.chat),
            json!({"own": 1, "id": "c",
            "trigger": "submit-message", "messages": send()["messages"]})
        );
        assert_eq!((frame.request.as_str(), &frame.headers["a"]), ("r", &json!("b")));
    }

    #[test]
    fn resumes_and_aborts() {
        let resume = r#"{"type":"resume","requestId":"r","id":"c","headers":{},"body":{}}"#;
        let Ok(Frame::Resume(frame)) = parse(resume) else { panic!("a frame") };
        assert_eq!((frame.chat.as_str(), frame.last), ("c", None));
        let from = resume.replace(r#""id""#, r#""lastSequence":7,"id""#);
        let Ok(Frame::Resume(frame)) = parse(&from) else { panic!("a frame") };
        assert_eq!(frame.last, Some(7));
        let abort = parse(r#"{"type":"abort","requestId":"r"}"#);
        assert_eq!(abort, Ok(Frame::Abort { request: "r".into() }));
    }

    #[test]
    fn what_is_no_frame() {
        for (key, value) in [
            ("type", json!("ping")),
            ("type", json!(1)),
            ("requestId", json!(null)),
            ("requestId", json!("x".repeat(REQUEST_ID_MAX_BYTES + 1))),
            ("id", json!(3)),
            ("headers", json!([])),
            ("headers", json!({"a": 1})),
            ("body", json!("x")),
            ("trigger", json!("action")),
            ("messageId", json!(1)),
            ("messages", json!({})),
            ("messages", json!([{"id": "u", "role": "user"}])),
        ] {
            let mut frame = send();
            frame[key] = value.clone();
            assert!(parse(&frame.to_string()).is_err(), "{key} {value}");
        }
        for text in ["", "x", "[]", "null", "{}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let resume = r#"{"type":"resume","requestId":"r","id":"c","headers":{},"body":{}}"#;
        for last in ["-1", "null", "1.5", r#""1""#] {
            let bad = resume.replace(r#""id""#, &format!(r#""lastSequence":{last},"id""#));
            assert!(parse(&bad).is_err(), "{last}");
        }
    }
}
