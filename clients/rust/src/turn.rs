//! What an agent is asked.

use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_protocol::link::TurnFrame;

/// One turn: the history, and what asked for an answer.
#[derive(Clone, Debug)]
pub struct Turn(Box<TurnFrame>);

impl Turn {
    pub(crate) fn new(frame: Box<TurnFrame>) -> Self {
        Self(frame)
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    /// Is its first step made elsewhere?
    pub(crate) fn has_head_start(&self) -> bool {
        self.0.head_start
    }

    /// Ends the history with the message of a head start; `continues`: the answer continues it.
    pub(crate) fn take_over(&mut self, message: Value, continues: bool) {
        Arc::make_mut(&mut self.0.messages).push(message);
        self.0.continues = continues;
    }

    /// The agent's id.
    pub fn agent(&self) -> &str {
        &self.0.agent
    }

    /// The session's external id, or its friendly id.
    pub fn chat(&self) -> &str {
        &self.0.chat
    }

    /// The session's friendly id.
    pub fn session(&self) -> &str {
        &self.0.session
    }

    /// Number of the turn in its session, from 1.
    pub fn number(&self) -> u64 {
        self.0.turn
    }

    /// Attempt, from 1; above 1 after a crash that left nothing visible.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// `submit-message`, `regenerate-message` or `action`.
    pub fn trigger(&self) -> &str {
        &self.0.trigger
    }

    /// The whole history as UIMessages, oldest first. It ends with the message to answer, or with
    /// the one to continue.
    pub fn messages(&self) -> &[Value] {
        &self.0.messages
    }

    /// The text of the last message.
    pub fn text(&self) -> String {
        let parts = self.messages().last().and_then(|message| message["parts"].as_array());
        let texts = parts.into_iter().flatten().filter(|part| part["type"] == "text");
        texts.filter_map(|part| part["text"].as_str()).collect()
    }

    /// Does the answer continue the last, assistant, message: a tool's result or an approval came,
    /// or a head start was handed over?
    pub fn continues(&self) -> bool {
        self.0.continues
    }

    /// The id that the answer's message will have.
    pub fn answer_id(&self) -> &str {
        &self.0.answer_id
    }

    /// The message that is answered again.
    pub fn message_id(&self) -> Option<&str> {
        self.0.message_id.as_deref()
    }

    /// What the client sent along.
    pub fn metadata(&self) -> Option<&Value> {
        self.0.metadata.as_ref()
    }

    /// The action's body, if the trigger is `action`.
    pub fn action(&self) -> Option<&Value> {
        self.0.action.as_ref()
    }

    /// The application's own keys of the request.
    pub fn rest(&self) -> &Map<String, Value> {
        &self.0.rest
    }

    /// A credential for the session's environment.
    pub fn token(&self) -> &str {
        &self.0.token
    }
}
