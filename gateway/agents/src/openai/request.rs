//! The request body.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tidegate_core::seams::ToolSchema;

use super::messages::convert;
use crate::config::OpenAiConfig;

/// What is the same in every request of an agent.
#[derive(Debug)]
pub(super) struct Template {
    system: Option<String>,
    body: Map<String, Value>,
    /// `extra_body` decides about tools.
    has_own_tools: bool,
}

impl Template {
    pub(super) fn new(config: OpenAiConfig) -> Self {
        let mut body = Map::new();
        body.insert("model".to_owned(), config.model.into());
        body.insert("messages".to_owned(), Value::Null);
        body.insert("stream".to_owned(), true.into());
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
        if let Some(temperature) = config.temperature {
            body.insert("temperature".to_owned(), temperature.into());
        }
        if let Some(max_tokens) = config.max_tokens {
            body.insert("max_tokens".to_owned(), max_tokens.into());
        }
        if !config.tools.is_empty() {
            let tools = config.tools.iter();
            let tools = tools.map(|t| tool(&t.name, t.description.as_deref(), &t.parameters));
            body.insert("tools".to_owned(), tools.collect());
        }
        let has_own_tools = config.extra_body.contains_key("tools");
        for (key, value) in config.extra_body {
            if value.is_null() {
                body.shift_remove(&key);
            } else {
                body.insert(key, value);
            }
        }
        Self { system: config.system, body, has_own_tools }
    }

    /// The body for a history of UIMessages. `tools`, if there are any, replace those of the
    /// configuration.
    pub(super) fn body(&self, history: &[Value], tools: &[ToolSchema]) -> Bytes {
        let mut body = self.body.clone();
        let messages = convert(self.system.as_deref(), history);
        body.insert("messages".to_owned(), Value::Array(messages));
        if !tools.is_empty() && !self.has_own_tools {
            let tools = tools.iter();
            let tools = tools.map(|t| tool(&t.name, t.description.as_deref(), &t.parameters));
            body.insert("tools".to_owned(), tools.collect());
        }
        serde_json::to_vec(&body).expect("a Value is valid JSON").into()
    }
}

fn tool(name: &str, description: Option<&str>, parameters: &Value) -> Value {
    let mut function = json!({"name": name, "parameters": parameters});
    if let Some(description) = description {
        function["description"] = description.into();
    }
    json!({"type": "function", "function": function})
}
