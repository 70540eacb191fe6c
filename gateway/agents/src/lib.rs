//! Turn backends behind the `AgentBackend` seam (design §5.1): demo, ai_sdk, openai, process.

mod ai_sdk;
pub mod build;
mod chunk;
pub mod config;
mod demo;
mod headers;
mod history;
mod namer;
mod openai;
mod process;
mod upstream;

pub use build::build;
