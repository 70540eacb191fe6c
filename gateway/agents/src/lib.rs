//! Turn backends behind the `AgentBackend` seam (design §5.1): `demo`, `ai_sdk` and `openai`.

mod ai_sdk;
pub mod build;
pub mod config;
mod demo;
mod headers;
mod openai;
mod upstream;

pub use build::build;
