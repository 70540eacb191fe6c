//! From an agent's table to its backend.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_core::seams::AgentBackend;

use crate::ai_sdk::AiSdk;
use crate::config::{AiSdkConfig, ConfigError, DemoConfig, OpenAiConfig, ProcessConfig};
use crate::demo::Demo;
use crate::openai::OpenAi;
use crate::process::Process;

/// Names of the backends; `link` is served by workers and not built here.
pub const BACKENDS: &[&str] = &["ai_sdk", "demo", "link", "openai", "process"];

/// Builds the turn backend `backend` for agent `id`. `table` holds the agent's other keys; secrets
/// in it are resolved here.
pub fn build(backend: &str, id: &str, table: Value) -> Result<Arc<dyn AgentBackend>, ConfigError> {
    match backend {
        "demo" => Ok(Arc::new(Demo::new(&read::<DemoConfig>(id, table)?))),
        "ai_sdk" => Ok(Arc::new(AiSdk::new(id, &read::<AiSdkConfig>(id, table)?)?)),
        "openai" => Ok(Arc::new(OpenAi::new(id, read::<OpenAiConfig>(id, table)?)?)),
        "process" => Ok(Arc::new(Process::new(id, read::<ProcessConfig>(id, table)?)?)),
        _ => Err(ConfigError::UnknownBackend {
            agent: id.to_owned(),
            backend: backend.to_owned(),
            expected: BACKENDS,
        }),
    }
}

fn read<T: DeserializeOwned>(agent: &str, table: Value) -> Result<T, ConfigError> {
    serde_json::from_value(table)
        .map_err(|error| ConfigError::Shape { agent: agent.to_owned(), reason: error.to_string() })
}
