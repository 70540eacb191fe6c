//! Serves one session: claims it, runs its machine, gives it up.

use super::driver::Driver;
use crate::drivers::Serve;
use crate::seams::store::CommitError;

/// Why a driver stops serving its session.
pub(super) enum Exit {
    /// There is nothing to do.
    Idle,
    /// That gateway is the better place for its next answer.
    Moved(String),
}

impl Serve for Driver {
    async fn serve(&mut self) -> Result<bool, CommitError> {
        let serving = self.shared.common.serving.clone();
        match serving.claim(&self.session).await? {
            Ok(hold) => self.hold = hold,
            Err(node) => {
                serving.wake(&node, &self.session).await;
                return Ok(true);
            }
        }
        // Behind the claim: from here on, what others change comes with a poke.
        let Some(row) = self.shared.common.store.session(&self.session).await? else {
            return Ok(serving.give_up(&self.session, self.hold, false).await?);
        };
        self.row = row;
        let exit = self.drive().await?;
        self.failed = false;
        let draining = self.is_draining();
        let settled = matches!(exit, Exit::Idle) && !draining;
        let gone = serving.give_up(&self.session, self.hold, settled).await?;
        match exit {
            Exit::Moved(node) => {
                serving.wake(&node, &self.session).await;
            }
            Exit::Idle if draining => serving.hand_on(&self.session).await,
            Exit::Idle => {}
        }
        Ok(gone)
    }

    fn release(&mut self) -> bool {
        self.shared.keeper.release(&self.session, &mut self.inbox)
    }

    fn is_draining(&self) -> bool {
        self.shared.keeper.is_draining()
    }

    fn displaced(&mut self) {}

    fn failed(&mut self) {
        self.failed = true;
    }
}
