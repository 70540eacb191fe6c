//! Keeps one driver per session that has a run, or wants one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tidegate_protocol::ids::SessionKey;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::calls::Call;
use super::driver::Driver;
use super::machine::RunLimits;
use crate::access::Access;
use crate::fleet::Serving;
use crate::metrics::Metrics;
use crate::seams::{Clock, Entropy, StreamStore};
use crate::sessions::row::SessionRow;
use crate::workers::Workers;

/// Calls that may wait for one driver.
const CALLS_MAX: usize = 64;

/// The runs of sessions whose loop is a worker's.
#[derive(Debug)]
pub struct Runs {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

/// What every driver needs.
#[derive(Debug)]
pub struct Shared {
    /// Where sessions live.
    pub store: Arc<dyn StreamStore>,
    /// Who runs them.
    pub workers: Arc<Workers>,
    /// Makes the runs' tokens.
    pub access: Arc<Access>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub entropy: Arc<dyn Entropy>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Time limits.
    pub limits: RunLimits,
    /// Which gateway serves a session.
    pub serving: Arc<Serving>,
    drivers: Mutex<HashMap<SessionKey, Handle>>,
    draining: AtomicBool,
    abort: CancellationToken,
}

#[derive(Clone, Debug)]
struct Handle {
    poke: mpsc::Sender<()>,
    calls: mpsc::Sender<Call>,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Shared {
    /// The parts of an engine without drivers.
    pub fn new(
        store: Arc<dyn StreamStore>,
        workers: Arc<Workers>,
        access: Arc<Access>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: Arc<Metrics>,
        limits: RunLimits,
        serving: Arc<Serving>,
    ) -> Self {
        let (drivers, draining, abort) = Default::default();
        Self {
            store,
            workers,
            access,
            clock,
            entropy,
            metrics,
            limits,
            serving,
            drivers,
            draining,
            abort,
        }
    }

    /// Lets a driver go if nothing came for it meanwhile.
    pub(super) fn release(
        &self,
        session: &SessionKey,
        poked: &mut mpsc::Receiver<()>,
        calls: &mpsc::Receiver<Call>,
    ) -> bool {
        let mut drivers = self.drivers.lock();
        match poked.try_recv() {
            Ok(()) => false,
            Err(mpsc::error::TryRecvError::Empty) if !calls.is_empty() => false,
            Err(mpsc::error::TryRecvError::Empty) => {
                drivers.remove(session);
                true
            }
            // It was forgotten, so what the map holds now belongs to another driver.
            Err(mpsc::error::TryRecvError::Disconnected) => true,
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

impl Runs {
    /// An engine without drivers.
    pub fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), tasks: TaskTracker::new() }
    }

    /// Tells the engine that `session` may have new input, or wants a run. Never blocks; a hint.
    pub fn poke(&self, session: &SessionKey, row: &Arc<SessionRow>) {
        // A full queue already says that there is something to look at.
        self.with(session, row, |handle| {
            let _ = handle.poke.try_send(());
        });
    }

    /// Hands a call to the session's driver. `false` if the engine drains.
    pub async fn call(&self, session: &SessionKey, row: &Arc<SessionRow>, call: Call) -> bool {
        let mut call = call;
        loop {
            let unsent = self.with(session, row, |handle| {
                let unsent = handle.calls.try_send(call).err()?;
                Some((unsent.into_inner(), handle.calls.clone()))
            });
            let (back, calls) = match unsent {
                None => return false,
                Some(None) => return true,
                Some(Some(full)) => full,
            };
            match calls.send(back).await {
                Ok(()) => return true,
                // That driver has just ended: another one takes the call.
                Err(mpsc::error::SendError(back)) => call = back,
            }
        }
    }

    /// Ends the driver of a session that is about to be deleted, with its run.
    pub async fn forget(&self, session: &SessionKey) {
        let handle = self.shared.drivers.lock().remove(session);
        if let Some(handle) = handle {
            handle.stop.cancel();
            handle.ended.cancelled().await;
        }
    }

    /// Is the session driven?
    pub fn has(&self, session: &SessionKey) -> bool {
        self.shared.drivers.lock().contains_key(session)
    }

    /// Sessions that are driven now.
    pub fn len(&self) -> usize {
        self.shared.drivers.lock().len()
    }

    /// Is no session driven?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends every driver. Runs go on at their workers, which bring them back after the restart.
    pub async fn stop(&self) {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.abort.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Speaks to the session's driver, under the lock: it can't end meanwhile. `None` if the engine
    /// drains.
    fn with<T>(
        &self,
        session: &SessionKey,
        row: &Arc<SessionRow>,
        speak: impl FnOnce(&Handle) -> T,
    ) -> Option<T> {
        let mut drivers = self.shared.drivers.lock();
        if let Some(handle) = drivers.get(session)
            && !handle.calls.is_closed()
        {
            return Some(speak(handle));
        }
        if self.shared.is_draining() {
            return None;
        }
        let (poke, poked) = mpsc::channel(1);
        let (calls, called) = mpsc::channel(CALLS_MAX);
        let stop = self.shared.abort.child_token();
        let ended = CancellationToken::new();
        let at_end = ended.clone().drop_guard();
        let handle = Handle { poke, calls, stop: stop.clone(), ended };
        let spoken = speak(&handle);
        drivers.insert(session.clone(), handle);
        drop(drivers);
        let shared = Arc::clone(&self.shared);
        let driver = Driver::new(shared, session.clone(), Arc::clone(row), poked, called);
        self.tasks.spawn(async move {
            let _at_end = at_end;
            stop.run_until_cancelled(driver.run()).await
        });
        Some(spoken)
    }
}
