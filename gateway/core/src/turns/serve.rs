//! Serves one session: claims it, runs its machine, gives it up.

use std::time::Duration;

use tokio::time::sleep;
use tracing::{Instrument, debug, info_span, warn};

use super::driver::{Driver, Exit};
use crate::seams::store::CommitError;

/// First and longest wait before a session is restored after a store failure.
const BACKOFF: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

impl Driver {
    /// Runs until the session has nothing to do here. A store failure restores the machine from
    /// what is durable, as a crash would.
    pub(super) async fn run(mut self) {
        let span = info_span!("session", session = self.session.as_str(), agent = self.row.agent);
        async move {
            let mut backoff = BACKOFF;
            loop {
                match self.serve().await {
                    Ok(false) => backoff = BACKOFF,
                    Ok(true) => {
                        self.failed = false;
                        if self.shared.release(&self.session, &mut self.poked) {
                            return;
                        }
                        backoff = BACKOFF;
                    }
                    // Whoever serves it now has been told of what is committed.
                    Err(error @ CommitError::Displaced { .. }) => debug!(%error, "displaced"),
                    Err(error) if self.shared.is_draining() => {
                        warn!(%error, "gave the session up");
                        return;
                    }
                    Err(error) => {
                        warn!(%error, "the session is restored from the store");
                        self.failed = true;
                        sleep(backoff).await;
                        backoff = (backoff * 2).min(BACKOFF_MAX);
                    }
                }
            }
        }
        .instrument(span)
        .await;
    }

    /// Serves the session while there is something to do. Answers whether it was given up.
    async fn serve(&mut self) -> Result<bool, CommitError> {
        let serving = self.shared.serving.clone();
        match serving.claim(&self.session).await? {
            Ok(hold) => self.hold = hold,
            Err(node) => {
                serving.wake(&node, &self.session).await;
                return Ok(true);
            }
        }
        let exit = self.drive().await?;
        let draining = self.shared.is_draining();
        let settled = matches!(exit, Exit::Idle) && !draining;
        let gone = serving.give_up(&self.session, self.hold, settled).await?;
        match exit {
            Exit::Moved(node) => serving.wake(&node, &self.session).await,
            Exit::Idle if draining => serving.hand_on(&self.session).await,
            Exit::Idle => {}
        }
        Ok(gone)
    }
}
