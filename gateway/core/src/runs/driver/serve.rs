//! Serves one session: claims it, runs its machine, gives it up.

use std::time::Duration;

use tidegate_protocol::limits::FLEET_GONE_MS;
use tokio::time::{Instant, sleep};

use super::drive::{Driver, Exit};
use crate::drivers::Serve;
use crate::fleet::{Answer, CLAIM_PAUSE, Hold, Question};
use crate::runs::calls::Call;
use crate::seams::store::{CommitError, StoreError};

impl Serve for Driver {
    async fn serve(&mut self) -> Result<bool, CommitError> {
        let serving = self.shared.common.serving.clone();
        match self.claim().await? {
            Ok(hold) => self.hold = hold,
            Err(node) => {
                self.refer(&node);
                return Ok(true);
            }
        }
        // Behind the claim: from here on, what others change comes with a poke.
        let Some(row) = self.shared.common.store.session(&self.session).await? else {
            self.displaced();
            return Ok(serving.give_up(&self.session, self.hold, false).await?);
        };
        self.row = row;
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

    fn release(&mut self) -> bool {
        self.shared.keeper.release(&self.session, &mut self.inbox)
    }

    fn is_draining(&self) -> bool {
        self.shared.keeper.is_draining()
    }

    fn displaced(&mut self) {
        // Another gateway has ended the run, or goes on with it.
        (self.work, self.unheard, self.step) = (None, None, None);
    }

    /// The run goes on meanwhile.
    fn failed(&mut self) {}
}

impl Driver {
    /// Claims the session, or has whoever serves it look at it. A run that is here and calls wait
    /// for a gateway that is dead until it is known to be: who calls has nobody else to ask.
    async fn claim(&mut self) -> Result<Result<Hold, String>, StoreError> {
        let serving = self.shared.common.serving.clone();
        let patience = Instant::now() + Duration::from_millis(FLEET_GONE_MS);
        loop {
            let node = match serving.claim(&self.session).await? {
                Ok(hold) => return Ok(Ok(hold)),
                Err(node) => node,
            };
            if self.called.is_none() {
                self.called = self.inbox.calls.try_recv().ok();
            }
            let told = serving.wake(&node, &self.session).await;
            let leaves = match &self.called {
                Some(Call::Adopt { .. }) => self.ask_to_leave(&node).await,
                Some(_) => !told,
                None => false,
            };
            if !leaves || Instant::now() >= patience {
                return Ok(Err(node));
            }
            sleep(CLAIM_PAUSE).await;
        }
    }

    /// Asks `node` to leave the session to this gateway. `false` if it stays.
    async fn ask_to_leave(&self, node: &str) -> bool {
        let serving = &self.shared.common.serving;
        !matches!(serving.ask(node, &self.session, Question::Yield).await, Ok(Answer::Said(false)))
    }

    /// Has what was called answered where the session is served.
    fn refer(&mut self, node: &str) {
        while let Some(call) = self.called.take().or_else(|| self.inbox.calls.try_recv().ok()) {
            let (serving, session) = (self.shared.common.serving.clone(), self.session.clone());
            let node = node.to_owned();
            tokio::spawn(async move { call.ask(&serving, &node, &session).await });
        }
    }
}
