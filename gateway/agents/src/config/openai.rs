//! The `openai` backend's table.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Secret, Timeouts};

/// Keys of an agent with `backend = "openai"`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// The API's base, such as `https://api.openai.com/v1`; `/chat/completions` is appended.
    pub url: String,
    /// The model.
    pub model: String,
    /// Sent as a bearer token.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// The system prompt.
    #[serde(default)]
    pub system: Option<String>,
    /// Sampling temperature.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Most tokens of one answer.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// Tools that run in the client.
    #[serde(default)]
    pub tools: Vec<ToolConfig>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Timeouts.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Keys that are set in every request body, over those that the gateway sets. `null` takes
    /// a key away.
    #[serde(default)]
    pub extra_body: Map<String, Value>,
}

/// One entry of `tools`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolConfig {
    /// Name that the model and the client's `onToolCall` see.
    pub name: String,
    /// Tells the model what it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON schema of the input; the default takes no arguments.
    #[serde(default = "no_parameters")]
    pub parameters: Value,
}

fn no_parameters() -> Value {
    json!({"type": "object", "properties": {}})
}
