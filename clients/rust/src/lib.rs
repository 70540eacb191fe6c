#![doc = include_str!("../README.md")]

mod agent;
mod answer;
mod calls;
pub mod client;
mod error;
mod json_schema;
mod link;
mod net;
mod running;
mod tool;
mod turn;
mod worker;

pub use agent::{Agent, Outcome};
pub use answer::Answer;
pub use error::{AgentError, AnswerError, WorkerError};
pub use tool::{Tool, ToolCall};
pub use turn::Turn;
pub use worker::Worker;
