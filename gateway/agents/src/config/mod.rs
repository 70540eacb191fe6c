//! What `[[agent]]` tables of turn backends may hold.

mod ai_sdk;
mod demo;
mod error;
mod openai;
mod process;
mod secret;
mod timeouts;

pub use ai_sdk::AiSdkConfig;
pub use demo::DemoConfig;
pub use error::ConfigError;
pub use openai::{OpenAiConfig, ToolConfig};
pub use process::{ProcessConfig, ProcessTimeouts};
pub use secret::Secret;
pub use timeouts::Timeouts;
