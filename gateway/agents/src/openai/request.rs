//! The request body.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::messages::convert;
use crate::config::{OpenAiConfig, ToolConfig};

/// What is the same in every request of an agent.
#[derive(Debug)]
pub(super) struct Template {
    system: Option<String>,
    body: Map<String, Value>,
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
            let tools = config.tools.into_iter().map(tool).collect();
            body.insert("tools".to_owned(), Value::Array(tools));
        }
        for (key, value) in config.extra_body {
            if value.is_null() {
                body.shift_remove(&key);
            } else {
                body.insert(key, value);
            }
        }
        Self { system: config.system, body }
    }

    /// The body for a history of UIMessages.
    pub(super) fn body(&self, history: &[Value]) -> Bytes {
        let mut body = self.body.clone();
        let messages = convert(self.system.as_deref(), history);
        body.insert("messages".to_owned(), Value::Array(messages));
        serde_json::to_vec(&body).expect("a Value is valid JSON").into()
    }
}

fn tool(tool: ToolConfig) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.parameters});
    if let Some(description) = tool.description {
        function["description"] = description.into();
    }
    json!({"type": "function", "function": function})
}
