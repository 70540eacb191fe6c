//! What a chat request says, and the `.in` record that it becomes.

use serde_json::{Map, Value, json};
use tidegate_core::error::Result;
use tidegate_protocol::input::Trigger;
use tidegate_protocol::{ApiError, ErrorCode};

use crate::service::json;
use crate::service::route::valid_name;

/// The body of `POST /ai/{agent}/chat`. The application's own keys are kept.
#[derive(Debug)]
pub(super) struct ChatRequest {
    /// The chat's id: the session's external id.
    pub(super) id: String,
    /// Why.
    pub(super) trigger: Trigger,
    /// The new message, where the client sends only that.
    pub(super) message: Option<Value>,
    /// The history that the client holds, or its newest part.
    pub(super) messages: Vec<Value>,
    /// Everything that reaches the backend as it is: `messageId`, `metadata`, other keys.
    rest: Map<String, Value>,
}

impl ChatRequest {
    /// Reads a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        Self::of(json::read(body)?)
    }

    /// Reads its keys.
    pub(super) fn of(mut rest: Map<String, Value>) -> Result<Self> {
        let Some(Value::String(id)) = rest.remove("id") else {
            return Err(refused("id", "id must be the chat's id, a string"));
        };
        let id = valid_name(&id).map_err(|error| error.at("id"))?.to_owned();
        let trigger = match rest.remove("trigger") {
            None | Some(Value::Null) => Trigger::Submit,
            Some(value) => {
                value.as_str().and_then(Trigger::parse).filter(is_turn).ok_or_else(|| {
                    refused("trigger", "trigger must be submit-message or regenerate-message")
                })?
            }
        };
        let message = match rest.remove("message") {
            None | Some(Value::Null) => None,
            Some(message) if is_message(&message) => Some(message),
            Some(_) => return Err(refused("message", "message must be a UI message with an id")),
        };
        let messages = match rest.remove("messages") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(messages)) if messages.iter().all(is_message) => messages,
            Some(_) => {
                let shape = "messages must be a list of UI messages, each with an id";
                return Err(refused("messages", shape));
            }
        };
        if trigger == Trigger::Submit && message.is_none() && messages.is_empty() {
            return Err(refused("messages", "there is no message to answer"));
        }
        Ok(Self { id, trigger, message, messages, rest })
    }

    /// The record's body.
    pub(super) fn record(&self) -> String {
        let mut payload = self.rest.clone();
        let newest = match self.trigger {
            Trigger::Submit => self.message.as_ref().or(self.messages.last()),
            _ => self.message.as_ref(),
        };
        if let Some(message) = newest {
            payload.insert("message".to_owned(), message.clone());
        }
        payload.insert("chatId".to_owned(), Value::String(self.id.clone()));
        payload.insert("trigger".to_owned(), Value::String(self.trigger.as_str().to_owned()));
        for optional in ["messageId", "metadata"] {
            if payload.get(optional).is_some_and(Value::is_null) {
                payload.remove(optional);
            }
        }
        json!({"kind": "message", "payload": payload}).to_string()
    }
}

fn is_turn(trigger: &Trigger) -> bool {
    matches!(trigger, Trigger::Submit | Trigger::Regenerate | Trigger::Action)
}

fn is_message(value: &Value) -> bool {
    value.get("id").and_then(Value::as_str).is_some_and(|id| !id.is_empty())
}

fn refused(param: &'static str, message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidBody, message).at(param)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &Value) -> Result<ChatRequest> {
        ChatRequest::parse(value.to_string().as_bytes())
    }

    #[test]
    fn the_record_is_what_other_clients_append() {
        let request = json!({
            "extra": 1, "id": "c", "messages": [{"id": "u1"}, {"id": "u2"}],
            "trigger": "submit-message", "messageId": null, "metadata": {"m": 1},
        });
        let record: Value =
            serde_json::from_str(&parse(&request).expect("valid").record()).expect("JSON");
        assert_eq!(
            record,
            json!({"kind": "message", "payload": {
                "extra": 1, "message": {"id": "u2"}, "chatId": "c", "trigger": "submit-message",
                "metadata": {"m": 1},
            }})
        );
    }

    #[test]
    fn regenerate_has_no_message() {
        let request = json!({"id": "c", "messages": [{"id": "u1"}], "messageId": "a1",
            "trigger": "regenerate-message"});
        let record = parse(&request).expect("valid").record();
        assert!(record.contains(r#""messageId":"a1""#) && !record.contains("u1"), "{record}");
    }

    #[test]
    fn bad_bodies_name_the_field() {
        let ok = json!([{"id": "u"}]);
        for (body, param) in [
            (json!({"messages": ok}), "id"),
            (json!({"id": "session_x", "messages": ok, "message": 1}), "message"),
            (json!({"id": " ", "messages": ok}), "id"),
            (json!({"id": "c"}), "messages"),
            (json!({"id": "c", "messages": [{"role": "user"}]}), "messages"),
            (json!({"id": "c", "messages": ok, "trigger": "preload"}), "trigger"),
        ] {
            assert_eq!(parse(&body).expect_err("bad").param.as_deref(), Some(param), "{body}");
        }
    }
}
