//! Serves one session: claims it, runs its machine, gives it up.

use std::time::Duration;

use tidegate_protocol::limits::FLEET_GONE_MS;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, debug, info_span, warn};

use super::calls::Call;
use super::driver::{Driver, Exit};
use crate::fleet::{Answer, Hold, Question};
use crate::seams::store::{CommitError, StoreError};

/// First and longest wait before a session is restored after a store failure.
const BACKOFF: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Between two looks at who serves a session.
const LOOK: Duration = Duration::from_millis(50);

impl Driver {
    /// Runs until the session has no run here and wants none. A store failure restores the machine
    /// from what is durable; the run goes on meanwhile.
    pub(super) async fn run(mut self) {
        let span = info_span!("runs", session = self.session.as_str(), agent = self.row.agent);
        async move {
            let mut backoff = BACKOFF;
            loop {
                match self.serve().await {
                    Ok(false) => backoff = BACKOFF,
                    Ok(true) => {
                        let (poked, calls) = (&mut self.poked, &self.calls);
                        if self.shared.release(&self.session, poked, calls) {
                            return;
                        }
                        backoff = BACKOFF;
                    }
                    Err(error @ CommitError::Displaced { .. }) => {
                        debug!(%error, "displaced");
                        // Another gateway has ended the run, or goes on with it.
                        (self.work, self.unheard) = (None, None);
                    }
                    Err(error) => {
                        warn!(%error, "the session's run is restored from the store");
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
        match self.claim().await? {
            Ok(hold) => self.hold = hold,
            Err(node) => {
                serving.wake(&node, &self.session).await;
                self.refer(&node);
                return Ok(true);
            }
        }
        match self.drive().await? {
            Exit::Idle => Ok(serving.give_up(&self.session, self.hold, true).await?),
            Exit::Moved(node) => {
                serving.give_up(&self.session, self.hold, false).await?;
                serving.wake(&node, &self.session).await;
                Ok(true)
            }
            Exit::Yielded(reply) => {
                let gone = serving.give_up(&self.session, self.hold, false).await?;
                let _ = reply.send(gone);
                Ok(true)
            }
        }
    }

    /// Claims the session. One whose run is here is asked for until its gateway leaves it, or is
    /// known to be dead.
    async fn claim(&mut self) -> Result<Result<Hold, String>, StoreError> {
        let serving = self.shared.serving.clone();
        let patience = Instant::now() + Duration::from_millis(FLEET_GONE_MS);
        loop {
            let node = match serving.claim(&self.session).await? {
                Ok(hold) => return Ok(Ok(hold)),
                Err(node) => node,
            };
            if self.called.is_none() {
                self.called = self.calls.try_recv().ok();
            }
            if !matches!(self.called, Some(Call::Adopt { .. })) || Instant::now() >= patience {
                return Ok(Err(node));
            }
            match serving.ask(&node, &self.session, Question::Yield).await {
                Ok(Answer::Said(false)) => return Ok(Err(node)),
                Ok(_) | Err(_) => sleep(LOOK).await,
            }
        }
    }

    /// Has what was called answered where the session is served.
    fn refer(&mut self, node: &str) {
        while let Some(call) = self.called.take().or_else(|| self.calls.try_recv().ok()) {
            let (serving, session) = (self.shared.serving.clone(), self.session.clone());
            let node = node.to_owned();
            tokio::spawn(async move { call.ask(&serving, &node, &session).await });
        }
    }
}
