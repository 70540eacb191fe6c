//! The life of a driver: it serves its session until there is nothing to do, and comes back from
//! the store's failures.

use std::time::Duration;

use tokio::time::sleep;
use tracing::{debug, warn};

use crate::seams::store::CommitError;

/// First and longest wait before a session is restored after a store failure.
const BACKOFF: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// A driver of one session.
pub(crate) trait Serve: Send {
    /// Claims the session and serves it while there is something to do. Answers whether it was
    /// given up; if not, something came meanwhile.
    fn serve(&mut self) -> impl Future<Output = Result<bool, CommitError>> + Send;

    /// Lets itself go, unless something came for it meanwhile.
    fn release(&mut self) -> bool;

    /// Does its engine drain?
    fn is_draining(&self) -> bool;

    /// Another gateway serves the session by now.
    fn displaced(&mut self);

    /// The store failed; the session is about to be restored from it.
    fn failed(&mut self);
}

/// Runs until the session has nothing to do here. A store failure restores the machine from what
/// is durable, as a crash would.
pub(crate) async fn keep_serving(mut driver: impl Serve) {
    let mut backoff = BACKOFF;
    loop {
        match driver.serve().await {
            Ok(true) if driver.release() => return,
            Ok(_) => backoff = BACKOFF,
            // What is committed is known to whoever serves it now.
            Err(error @ CommitError::Displaced { .. }) => {
                debug!(%error, "displaced");
                driver.displaced();
            }
            Err(error) if driver.is_draining() => {
                warn!(%error, "gave the session up");
                return;
            }
            Err(error) => {
                warn!(%error, "the session is restored from the store");
                driver.failed();
                sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
        }
    }
}
