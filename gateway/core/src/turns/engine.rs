//! Keeps one driver per session that has something to do.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tidegate_protocol::ids::SessionKey;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::driver::Driver;
use crate::agents::Agents;
use crate::fleet::Serving;
use crate::metrics::Metrics;
use crate::seams::{Clock, Entropy, StreamStore};
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
    tasks: TaskTracker,
}

/// A driver, from outside.
#[derive(Debug)]
struct Handle {
    poke: mpsc::Sender<()>,
    /// Ends it at once.
    stop: CancellationToken,
    /// It has ended.
    ended: CancellationToken,
}

/// What every driver needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn StreamStore>,
    pub(super) agents: Arc<Agents>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: TurnLimits,
    pub(super) serving: Arc<Serving>,
    drivers: Mutex<HashMap<SessionKey, Handle>>,
    draining: AtomicBool,
    /// Tells drivers that the engine drains.
    pub(super) drain: Notify,
    /// Ends drivers at once.
    abort: CancellationToken,
}

impl Turns {
    /// An engine without drivers.
    pub fn new(
        store: Arc<dyn StreamStore>,
        agents: Arc<Agents>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: Arc<Metrics>,
        limits: TurnLimits,
        serving: Arc<Serving>,
    ) -> Self {
        let (drivers, draining, drain, abort) = Default::default();
        let shared = Shared {
            store,
            agents,
            clock,
            entropy,
            metrics,
            limits,
            serving,
            drivers,
            draining,
            drain,
            abort,
        };
        Self { shared: Arc::new(shared), tasks: TaskTracker::new() }
    }

    /// Tells the engine that `session` may have new input. Never blocks; nothing is lost if it is
    /// not called, for [`Gateway::wake_owing`] finds what is owed.
    pub fn poke(&self, session: &SessionKey, row: &Arc<SessionRow>) {
        let mut drivers = self.shared.drivers.lock();
        if let Some(driver) = drivers.get(session) {
            // A full queue already says that there is something to look at; a closed one belongs
            // to a driver that died.
            match driver.poke.try_send(()) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(())) => return,
                Err(mpsc::error::TrySendError::Closed(())) => {}
            }
        }
        if self.shared.is_draining() || drivers.len() >= self.shared.limits.sessions {
            return;
        }
        let (poke, poked) = mpsc::channel(1);
        let stop = self.shared.abort.child_token();
        let ended = CancellationToken::new();
        let at_end = ended.clone().drop_guard();
        drivers.insert(session.clone(), Handle { poke, stop: stop.clone(), ended });
        drop(drivers);
        let shared = Arc::clone(&self.shared);
        let driver = Driver::new(shared, session.clone(), Arc::clone(row), poked);
        self.tasks.spawn(async move {
            let _at_end = at_end;
            stop.run_until_cancelled(driver.run()).await
        });
    }

    /// Ends the driver of a session that is about to be deleted, with the turn that runs and the
    /// history that it holds.
    pub async fn forget(&self, session: &SessionKey) {
        let driver = self.shared.drivers.lock().remove(session);
        if let Some(driver) = driver {
            driver.stop.cancel();
            driver.ended.cancelled().await;
        }
    }

    /// Is the session driven?
    pub fn has(&self, session: &SessionKey) -> bool {
        self.shared.drivers.lock().contains_key(session)
    }

    /// Does a drain wait for `session`, because a turn of it runs here? False without a drain.
    pub fn awaits(&self, session: &SessionKey) -> bool {
        self.is_draining() && self.has(session)
    }

    /// Sessions that are driven now.
    pub fn len(&self) -> usize {
        self.shared.drivers.lock().len()
    }

    /// Is no session driven?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops every driver at once, as a crash would. What was committed stays.
    pub fn abort(&self) {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.abort.cancel();
    }

    /// Does it begin no turn any more?
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining()
    }

    /// Begins no turn any more, and waits for those that run. What is owed stays owed.
    pub async fn drain(&self) {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.drain.notify_waiters();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Shared {
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Lets a driver go if nothing came for it meanwhile.
    pub(super) fn release(&self, session: &SessionKey, poked: &mut mpsc::Receiver<()>) -> bool {
        let mut drivers = self.drivers.lock();
        match poked.try_recv() {
            Ok(()) => false,
            Err(mpsc::error::TryRecvError::Empty) => {
                drivers.remove(session);
                true
            }
            // It was forgotten, so what the map holds now belongs to another driver.
            Err(mpsc::error::TryRecvError::Disconnected) => true,
        }
    }
}
