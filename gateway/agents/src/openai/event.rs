//! What a chat-completions event holds. Unknown fields are ignored, and a field that a compatible
//! server sends as `null` counts as absent.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_protocol::ui::parse_js;

use super::content::text_of;

/// One event's data.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) model: Option<String>,
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<Value>,
}

impl Event {
    /// Parses JSON as JavaScript does: some servers cut text inside a surrogate pair.
    pub(super) fn parse(data: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(data).or_else(|error| {
            let text = std::str::from_utf8(data).map_err(|_| error)?;
            serde_json::from_value(parse_js(text)?)
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) index: Option<u64>,
    pub(super) delta: Option<Delta>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<Content>,
    pub(super) refusal: Option<String>,
    pub(super) reasoning_content: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) tool_calls: Option<Vec<ToolDelta>>,
}

/// Text, or a list of typed parts as some servers send it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Value>),
}

impl Content {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => text_of(&parts),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolDelta {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionDelta>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionDelta {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl Usage {
    /// In the AI SDK's words; what was not given is left out.
    pub(super) fn metadata(&self) -> Value {
        let cached = self.prompt_tokens_details.as_ref().and_then(|d| d.cached_tokens);
        let reasoning = self.completion_tokens_details.as_ref().and_then(|d| d.reasoning_tokens);
        let fields = [
            ("inputTokens", self.prompt_tokens),
            ("outputTokens", self.completion_tokens),
            ("totalTokens", self.total_tokens),
            ("cachedInputTokens", cached),
            ("reasoningTokens", reasoning),
        ];
        let given = fields.into_iter().filter_map(|(key, value)| Some((key, value?)));
        given.map(|(key, value)| (key.to_owned(), json!(value))).collect::<Map<_, _>>().into()
    }
}

/// What an `error` object says.
pub(super) fn error_text(error: &Value) -> String {
    match (error["message"].as_str(), error.as_str()) {
        (Some(text), _) | (None, Some(text)) => text.to_owned(),
        (None, None) => error.to_string(),
    }
}
