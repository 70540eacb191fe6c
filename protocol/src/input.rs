//! What a `.in` record says (R-IN). Unknown kinds and foreign bodies are opaque: kept, never acted
//! on.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::control;
use crate::record::{Envelope, Record};

/// A `.in` record, read.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Something to answer.
    Message(Box<Payload>),
    /// End the turn that runs at this seq (I5).
    Stop,
    /// The first step of an answer is made: the agent goes on (R-HDS-3).
    HandOver {
        /// Is it the whole answer?
        is_final: bool,
        /// Id of the answer's message.
        message_id: Option<String>,
    },
    /// The first step failed: nothing is handed over (R-HDS-4).
    HandOverSkip,
    /// A record of another kind, raw text or broken JSON.
    Opaque,
}

/// Why a turn is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A message (new, edited, or a slim assistant message with tool results).
    Submit,
    /// Answer again.
    Regenerate,
    /// An action of the application.
    Action,
    /// Ask the run to exit; the session stays open.
    Close,
    /// Boot before the first message.
    Preload,
}

impl Trigger {
    /// The wire form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit-message",
            Self::Regenerate => "regenerate-message",
            Self::Action => "action",
            Self::Close => "close",
            Self::Preload => "preload",
        }
    }

    /// Reads the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Submit, Self::Regenerate, Self::Action, Self::Close, Self::Preload]
            .into_iter()
            .find(|trigger| trigger.as_str() == text)
    }
}

/// The payload of a `message` record. Unknown keys are kept in `rest` and reach the backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Why.
    pub trigger: Trigger,
    /// One UIMessage.
    pub message: Option<Value>,
    /// The message that is answered again, or edited.
    pub message_id: Option<String>,
    /// Client data.
    pub metadata: Option<Value>,
    /// The action's body.
    pub action: Option<Value>,
    /// Set by the AI SDK binding: the history that the client holds (see [`HistoryEdit`]).
    pub history: Option<HistoryEdit>,
    /// The application's own keys.
    pub rest: Map<String, Value>,
}

/// The client's history against the session's: which messages remain, in order, and the text of
/// those that the session does not have or has otherwise (`spec/v1/ai-sdk.md`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, serde::Serialize)]
pub struct HistoryEdit {
    /// Ids of the whole history, oldest first.
    pub ids: Vec<String>,
    /// New or changed messages.
    pub messages: Vec<Value>,
}

impl Input {
    /// Reads a stored `.in` record: the envelope's `data` is a JSON string that holds the body.
    pub fn of(record: &Record) -> Self {
        let input = Envelope::of(record)
            .and_then(|envelope| serde_json::from_str::<String>(envelope.data.0.get()).ok())
            .map_or(Self::Opaque, |text| Self::parse(&text));
        match (input, record.header(control::HISTORY)) {
            (Self::Message(mut payload), Some(history)) => {
                payload.history = serde_json::from_str(history).ok();
                Self::Message(payload)
            }
            (input, _) => input,
        }
    }

    /// Reads a body as the client sent it.
    pub fn parse(text: &str) -> Self {
        // As agents read it: by its kind alone, whatever else is wrong with it.
        let Ok(Value::Object(mut wire)) = serde_json::from_str(text) else { return Self::Opaque };
        match (wire.get("kind").and_then(Value::as_str), wire.get("isFinal")) {
            (Some("stop"), _) => return Self::Stop,
            (Some("handover"), is_final) => {
                let is_final = is_final == Some(&Value::Bool(true));
                let message_id = wire.get("messageId").and_then(Value::as_str).map(str::to_owned);
                return Self::HandOver { is_final, message_id };
            }
            (Some("handover-skip"), _) => return Self::HandOverSkip,
            (Some("message"), _) => {}
            _ => return Self::Opaque,
        }
        match wire.remove("payload") {
            Some(Value::Object(payload)) => {
                Payload::parse(payload).map_or(Self::Opaque, |p| Self::Message(Box::new(p)))
            }
            _ => Self::Opaque,
        }
    }

    /// Is it the end of a first step that was made elsewhere (R-HDS)?
    pub fn is_hand_over(&self) -> bool {
        matches!(self, Self::HandOver { .. } | Self::HandOverSkip)
    }

    /// Must this input be answered, so that it is owed until it has a fate (I7)?
    pub fn is_owed(&self) -> bool {
        matches!(self, Self::Message(payload) if matches!(
            payload.trigger,
            Trigger::Submit | Trigger::Regenerate | Trigger::Action
        ))
    }
}

impl Payload {
    /// Takes the keys it knows out of `map`; `None` if the trigger is unknown.
    pub fn parse(mut map: Map<String, Value>) -> Option<Self> {
        let trigger = match map.remove("trigger") {
            Some(Value::String(text)) => Trigger::parse(&text)?,
            None => Trigger::Submit,
            Some(_) => return None,
        };
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let message = map.remove("message").filter(|message| !message.is_null());
        let message_id = text(map.remove("messageId"));
        let metadata = map.remove("metadata").filter(|value| !value.is_null());
        let action = map.remove("action");
        map.remove("chatId");
        Some(Self { trigger, message, message_id, metadata, action, history: None, rest: map })
    }
}

/// Did the record come with a secret key?
pub fn is_from_secret_key(record: &Record) -> bool {
    record.header(control::CREDENTIAL) == Some("secret")
}

/// What [`control::CREDENTIAL`] says of a record that the gateway itself put on `.in`.
pub const BY_GATEWAY: &str = "gateway";

/// Did the gateway itself append the record?
pub fn is_from_gateway(record: &Record) -> bool {
    record.header(control::CREDENTIAL) == Some(BY_GATEWAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NewRecord;

    #[test]
    fn a_message_keeps_the_applications_keys() {
        let text = r#"{"kind":"message","payload":{"extra":1,"message":{"id":"u"},"chatId":"c",
            "trigger":"submit-message","messageId":"mm","metadata":{"a":1}}}"#;
        let Input::Message(payload) = Input::of(&NewRecord::text(text, "p").at(0, 0)) else {
            panic!("not a message");
        };
        assert_eq!(payload.trigger, Trigger::Submit);
        assert_eq!(payload.message_id.as_deref(), Some("mm"));
        assert_eq!(Value::Object(payload.rest), serde_json::json!({"extra": 1}));
    }

    #[test]
    fn everything_else_is_opaque() {
        for text in ["raw string", "{", "{\"kind\":\"x\"}", "{\"kind\":\"message\"}", "42"] {
            assert_eq!(Input::parse(text), Input::Opaque, "{text}");
        }
        assert_eq!(Input::parse(r#"{"kind":"stop","x":1}"#), Input::Stop);
        let handover = r#"{"kind":"handover","partialAssistantMessage":[],"isFinal":true}"#;
        assert_eq!(Input::parse(handover), Input::HandOver { is_final: true, message_id: None });
        let named = r#"{"kind":"handover","messageId":"m"}"#;
        let message_id = Some("m".to_owned());
        assert_eq!(Input::parse(named), Input::HandOver { is_final: false, message_id });
        assert_eq!(Input::parse(r#"{"kind":"handover-skip"}"#), Input::HandOverSkip);
        // An agent that waits for a hand-over takes each of these for one.
        for text in [
            r#"{"kind":"handover","isFinal":"yes"}"#,
            r#"{"kind":"handover","payload":1}"#,
            r#"{"kind":"x","kind":"handover"}"#,
        ] {
            let expected = Input::HandOver { is_final: false, message_id: None };
            assert_eq!(Input::parse(text), expected, "{text}");
        }
    }
}
