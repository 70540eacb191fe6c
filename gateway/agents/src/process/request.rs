//! What a child is told about its turn: a line of JSON, and variables (R-PRC-2, R-PRC-4).

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_core::seams::ToolSchema;
use tidegate_core::seams::backend::TurnRequest;
use tidegate_protocol::limits::PROCESS_TEXT_MAX_BYTES;

use crate::history::last_user_text;

/// Variables that the gateway sets.
pub(super) const VARIABLES: [&str; 3] = ["TIDEGATE_TEXT", "TIDEGATE_CHAT", "TIDEGATE_TRIGGER"];

/// The values of [`VARIABLES`], less those that no environment can hold.
pub(super) fn variables(request: &TurnRequest) -> Vec<(&'static str, String)> {
    let values = [
        last_user_text(&request.messages),
        request.chat_id.as_ref().to_owned(),
        request.trigger.as_str().to_owned(),
    ];
    let fits = |text: &str| text.len() <= PROCESS_TEXT_MAX_BYTES && !text.contains('\0');
    VARIABLES.into_iter().zip(values).filter(|(_, value)| fits(value)).collect()
}

/// The turn, with the line's end.
pub(super) fn line(request: &TurnRequest) -> Bytes {
    let turn = Turn {
        agent: &request.agent,
        chat: &request.chat_id,
        turn: request.turn,
        attempt: request.attempt,
        trigger: request.trigger.as_str(),
        messages: &request.messages,
        answer_id: &request.answer_id,
        continues: request.continues,
        message_id: request.message_id.as_deref(),
        metadata: request.metadata.as_ref(),
        action: request.action.as_ref(),
        rest: &request.rest,
        tools: &request.tools,
    };
    let mut line = serde_json::to_vec(&turn).expect("JSON values with string keys are valid JSON");
    line.push(b'\n');
    line.into()
}

#[derive(Serialize)]
struct Turn<'a> {
    agent: &'a str,
    chat: &'a str,
    turn: u64,
    attempt: u32,
    trigger: &'a str,
    messages: &'a [Value],
    answer_id: &'a str,
    continues: bool,
    message_id: Option<&'a str>,
    metadata: Option<&'a Value>,
    action: Option<&'a Value>,
    rest: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tools: &'a [ToolSchema],
}
