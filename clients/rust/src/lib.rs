#![doc = include_str!("../README.md")]

mod agent;
mod answer;
pub mod client;
mod error;
mod link;
mod net;
mod turn;
mod worker;

pub use agent::Agent;
pub use answer::Answer;
pub use error::{AgentError, AnswerError, WorkerError};
pub use turn::Turn;
pub use worker::Worker;
