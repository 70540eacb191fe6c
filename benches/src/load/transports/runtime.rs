//! Where the clients run.

use std::io;

use tokio::task::LocalSet;

/// Runs `work` and what it spawns on this thread.
pub(super) fn on_this_thread<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}
