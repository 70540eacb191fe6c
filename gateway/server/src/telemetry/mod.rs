//! Logs and metrics.

mod exposition;
pub mod logs;
pub mod metrics;
mod process;
