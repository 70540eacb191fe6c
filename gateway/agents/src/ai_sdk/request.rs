//! The request body, as `DefaultChatTransport` of npm `ai` builds it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_core::seams::ToolSchema;
use tidegate_core::seams::backend::TurnRequest;

/// The body of a turn's request: the application's own keys first, so that ours win over them.
pub(super) fn body(request: &TurnRequest) -> Bytes {
    let mut rest = request.rest.clone();
    for key in ["id", "messages", "trigger", "messageId", "metadata", "action"] {
        rest.remove(key);
    }
    if !request.tools.is_empty() {
        rest.remove("tools");
    }
    let body = Body {
        rest: &rest,
        id: &request.chat_id,
        messages: &request.messages,
        trigger: request.trigger.as_str(),
        message_id: request.message_id.as_deref(),
        metadata: request.metadata.as_ref(),
        action: request.action.as_ref(),
        tools: &request.tools,
    };
    serde_json::to_vec(&body).expect("JSON values with string keys are valid JSON").into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(flatten)]
    rest: &'a Map<String, Value>,
    id: &'a str,
    messages: &'a [Value],
    trigger: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tools: &'a [ToolSchema],
}
