//! The process.

use std::io;

use tokio::runtime::Builder;

use super::{runs, turns};
use crate::target::WorkerMode;

/// Serves the agent at `address` (`host:port`) until the process is killed.
pub fn serve(address: &str, mode: WorkerMode) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match mode {
        WorkerMode::Turns => runtime.block_on(turns::serve(address)),
        WorkerMode::Runs => runtime.block_on(runs::serve(address)),
    }
}
