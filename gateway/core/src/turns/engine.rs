//! The turn engine: the drivers of sessions whose turns the gateway runs.

use std::convert::Infallible;
use std::sync::Arc;

use tidegate_protocol::ids::SessionKey;
use tracing::{Instrument, info_span};

use super::driver::Driver;
use crate::agents::Agents;
use crate::drivers::{Common, Inbox, Keeper, keep_serving};
use crate::sessions::row::SessionRow;

/// Time limits of a turn, ms: the last resort behind the backends' own timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnLimits {
    /// Without a chunk.
    pub idle_ms: u64,
    /// From the question to the boundary.
    pub total_ms: u64,
    /// Sessions whose turns are driven at once; more wait in the store until a sweep finds them.
    pub sessions: usize,
}

impl Default for TurnLimits {
    fn default() -> Self {
        Self { idle_ms: 10 * 60 * 1_000, total_ms: 60 * 60 * 1_000, sessions: 50_000 }
    }
}

/// The turn engine.
#[derive(Debug)]
pub struct Turns {
    shared: Arc<Shared>,
}

/// What every driver needs. Nothing is asked of one: it learns from the streams alone.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) common: Common,
    pub(super) agents: Arc<Agents>,
    pub(super) limits: TurnLimits,
    pub(super) keeper: Keeper<Infallible>,
}

impl Turns {
    /// An engine without drivers.
    pub fn new(common: Common, agents: Arc<Agents>, limits: TurnLimits) -> Self {
        let keeper = Keeper::new(limits.sessions);
        Self { shared: Arc::new(Shared { common, agents, limits, keeper }) }
    }

    /// Tells the engine that `session` may have new input. Never blocks; nothing is lost if it is
    /// not called, for [`Gateway::wake_owing`] finds what is owed.
    ///
    /// [`Gateway::wake_owing`]: crate::Gateway::wake_owing
    pub fn poke(&self, session: &SessionKey, row: &Arc<SessionRow>) {
        self.shared.keeper.poke(session, row, |inbox| self.drive(session, inbox));
    }

    /// Ends the driver of a session that is about to be deleted, with the turn that runs and the
    /// history that it holds.
    pub async fn forget(&self, session: &SessionKey) {
        self.shared.keeper.forget(session).await;
    }

    /// Is the session driven?
    pub fn has(&self, session: &SessionKey) -> bool {
        self.shared.keeper.has(session)
    }

    /// Does a drain wait for `session`, because a turn of it runs here? False without a drain.
    pub fn awaits(&self, session: &SessionKey) -> bool {
        self.is_draining() && self.shared.keeper.is_busy(session)
    }

    /// Sessions that are driven now.
    pub fn len(&self) -> usize {
        self.shared.keeper.len()
    }

    /// Is no session driven?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops every driver at once, as a crash would. What was committed stays.
    pub fn abort(&self) {
        self.shared.keeper.abort();
    }

    /// Does it begin no turn any more?
    pub fn is_draining(&self) -> bool {
        self.shared.keeper.is_draining()
    }

    /// Waits until it drains.
    pub(crate) fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move {
            let drained = shared.keeper.drained();
            if !shared.keeper.is_draining() {
                drained.await;
            }
        }
    }

    /// Begins no turn any more, and waits for those that run. What is owed stays owed.
    pub async fn drain(&self) {
        self.shared.keeper.drain().await;
    }

    fn drive(
        &self,
        session: &SessionKey,
        inbox: Inbox<Infallible>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let agent = inbox.row().agent.clone();
        let span = info_span!("session", session = session.as_str(), agent);
        let driver = Driver::new(Arc::clone(&self.shared), session.clone(), inbox);
        keep_serving(driver).instrument(span)
    }
}
