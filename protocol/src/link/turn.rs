//! Mode `turns`: what the gateway asks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exit::Cause;

/// Asks for one answer (R-LNK-23).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnFrame {
    /// Name of the piece of work on this link.
    pub id: String,
    /// The session's run.
    pub run: String,
    /// The session's friendly id.
    pub session: String,
    /// The session's external id, or the friendly id.
    pub chat: String,
    /// The agent's id.
    pub agent: String,
    /// The version that the worker registered.
    pub version: String,
    /// Number of the turn, from 1.
    pub turn: u64,
    /// Attempt, from 1.
    pub attempt: u32,
    /// Why there was an attempt before.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// `submit-message`, `regenerate-message` or `action`.
    pub trigger: String,
    /// The whole history as UIMessages, ending with the message to answer.
    #[serde(default)]
    pub messages: Arc<Vec<Value>>,
    /// The id that the answer's message will have.
    pub answer_id: String,
    /// Does the answer continue the last, assistant, message?
    #[serde(default)]
    pub continues: bool,
    /// The message that is answered again.
    #[serde(default)]
    pub message_id: Option<String>,
    /// Client data.
    #[serde(default)]
    pub metadata: Option<Value>,
    /// The action's body.
    #[serde(default)]
    pub action: Option<Value>,
    /// The application's own keys.
    #[serde(default)]
    pub rest: Map<String, Value>,
    /// Is its first step made elsewhere? Then a `handover` frame follows (R-HDS-23).
    #[serde(default, skip_serializing_if = "is_false")]
    pub head_start: bool,
    /// A credential for the session's environment.
    #[serde(default)]
    pub token: String,
}

/// Says what became of the first step of an answer, which was made elsewhere (R-HDS-23).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandoverFrame {
    /// The piece of work.
    pub id: String,
    /// What is left to do.
    pub outcome: Handed,
    /// The answer so far, as a UIMessage; none with `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Value>,
}

/// What the worker does after a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handed {
    /// It answers as if there had been no head start.
    Skip,
    /// The message is the whole answer.
    Final,
    /// It executes the calls of the last step, then continues the message.
    Calls,
    /// It continues the message.
    Text,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
