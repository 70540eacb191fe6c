//! The run engine: the drivers of sessions that have a run, or want one.

use std::sync::Arc;

use tidegate_protocol::ids::SessionKey;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

use super::calls::Call;
use super::driver::Driver;
use super::machine::RunLimits;
use super::reads::Reads;
use crate::access::Access;
use crate::agents::Agents;
use crate::drivers::{Common, Inbox, Keeper, keep_serving};
use crate::sessions::row::SessionRow;
use crate::workers::Workers;

/// The runs of sessions whose loop is a worker's.
#[derive(Debug)]
pub struct Runs {
    shared: Arc<Shared>,
}

/// What every driver needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) common: Common,
    /// Who runs them.
    pub(super) workers: Arc<Workers>,
    /// What they take over, and from whom.
    pub(super) agents: Arc<Agents>,
    /// Makes the runs' tokens.
    pub(super) access: Arc<Access>,
    pub(super) limits: RunLimits,
    /// Reads of `.in` by runs.
    pub(super) reads: Reads,
    /// First steps that are being made.
    pub(super) steps: TaskTracker,
    pub(super) keeper: Keeper<Call>,
}

impl Runs {
    /// An engine without drivers.
    pub fn new(
        common: Common,
        workers: Arc<Workers>,
        agents: Arc<Agents>,
        access: Arc<Access>,
        limits: RunLimits,
    ) -> Self {
        // As many as the workers have room for: a session without a run is let go.
        let keeper = Keeper::new(usize::MAX);
        let (reads, steps) = (Reads::default(), TaskTracker::new());
        Self {
            shared: Arc::new(Shared {
                common,
                workers,
                agents,
                access,
                limits,
                reads,
                steps,
                keeper,
            }),
        }
    }

    /// Tells the engine that `session` may have new input, or wants a run. Never blocks; a hint.
    pub fn poke(&self, session: &SessionKey, row: &Arc<SessionRow>) {
        self.shared.keeper.poke(session, row, |inbox| self.drive(session, inbox));
    }

    /// Hands a call to the session's driver. `false` if the engine drains.
    pub async fn call(&self, session: &SessionKey, row: &Arc<SessionRow>, call: Call) -> bool {
        self.shared.keeper.call(session, row, |inbox| self.drive(session, inbox), call).await
    }

    /// Ends the driver of a session that is about to be deleted, with its run.
    pub async fn forget(&self, session: &SessionKey) {
        self.shared.keeper.forget(session).await;
    }

    /// The run of `fence` reads `.in` over HTTP; what is given is cancelled when it is over.
    pub(crate) fn begin_read(&self, session: &SessionKey, fence: u64) -> Arc<CancellationToken> {
        self.shared.reads.begin(session, fence)
    }

    /// Is the session driven?
    pub fn has(&self, session: &SessionKey) -> bool {
        self.shared.keeper.has(session)
    }

    /// Sessions that are driven now.
    pub fn len(&self) -> usize {
        self.shared.keeper.len()
    }

    /// Is no session driven?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins no first step of an answer any more, and waits for those that are being made
    /// (R-DRN-11).
    pub async fn finish_steps(&self) {
        self.shared.steps.close();
        self.shared.steps.wait().await;
    }

    /// Ends every driver. Runs go on at their workers, which bring them back after the restart.
    pub async fn stop(&self) {
        self.shared.keeper.abort();
        self.shared.keeper.drain().await;
    }

    fn drive(
        &self,
        session: &SessionKey,
        inbox: Inbox<Call>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let agent = inbox.row().agent.clone();
        let span = info_span!("runs", session = session.as_str(), agent);
        let driver = Driver::new(Arc::clone(&self.shared), session.clone(), inbox);
        keep_serving(driver).instrument(span)
    }
}
