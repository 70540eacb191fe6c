//! Keeps at most one driver per session on this gateway.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tidegate_protocol::ids::SessionKey;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::sessions::row::SessionRow;

/// Calls that may wait for one driver.
const CALLS_MAX: usize = 64;

/// The drivers of one engine; `C` is what can be asked of them.
#[derive(Debug)]
pub(crate) struct Keeper<C> {
    drivers: Mutex<HashMap<SessionKey, Handle<C>>>,
    /// Most drivers at once.
    max: usize,
    draining: AtomicBool,
    /// Tells drivers that the engine drains.
    drain: Notify,
    /// Ends drivers at once.
    abort: CancellationToken,
    tasks: TaskTracker,
}

/// What comes to a driver from outside.
#[derive(Debug)]
pub(crate) struct Inbox<C> {
    desk: Arc<Desk>,
    /// There may be new input. Closed: the session is being deleted.
    pub(crate) pokes: mpsc::Receiver<()>,
    /// What is asked.
    pub(crate) calls: mpsc::Receiver<C>,
}

/// A driver, from outside.
#[derive(Debug)]
struct Handle<C> {
    poke: mpsc::Sender<()>,
    calls: mpsc::Sender<C>,
    desk: Arc<Desk>,
    stop: CancellationToken,
    ended: CancellationToken,
}

/// What both see.
#[derive(Debug)]
struct Desk {
    /// The newest row that anybody has seen.
    row: Mutex<Arc<SessionRow>>,
    /// Something runs that a drain waits for.
    busy: AtomicBool,
}

impl<C: Send + 'static> Keeper<C> {
    /// Without drivers; it has at most `max` at once.
    pub(crate) fn new(max: usize) -> Self {
        let (drivers, draining, drain, abort, tasks) = Default::default();
        Self { drivers, max, draining, drain, abort, tasks }
    }

    /// Tells the session's driver, which `start` makes if there is none, that there may be new
    /// input. Never blocks; a hint.
    pub(crate) fn poke<F>(
        &self,
        session: &SessionKey,
        row: &Arc<SessionRow>,
        start: impl FnOnce(Inbox<C>) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut drivers = self.drivers.lock();
        match drivers.get(session).filter(|handle| handle.is_alive()) {
            Some(handle) => {
                handle.see(row);
                // A full queue already says that there is something to look at.
                let _ = handle.poke.try_send(());
            }
            // A new one looks by itself.
            None => {
                self.start(&mut drivers, session, row, start);
            }
        }
    }

    /// Hands a call to the session's driver, which `start` makes if there is none. `false` if the
    /// engine drains.
    pub(crate) async fn call<F>(
        &self,
        session: &SessionKey,
        row: &Arc<SessionRow>,
        start: impl Fn(Inbox<C>) -> F,
        call: C,
    ) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut call = call;
        loop {
            let (back, calls) = {
                // Under the lock, so that the driver can't end meanwhile.
                let mut drivers = self.drivers.lock();
                let alive = drivers.get(session).is_some_and(Handle::is_alive);
                if !alive && !self.start(&mut drivers, session, row, &start) {
                    return false;
                }
                let handle = &drivers[session];
                handle.see(row);
                match handle.calls.try_send(call) {
                    Ok(()) => return true,
                    Err(unsent) => (unsent.into_inner(), handle.calls.clone()),
                }
            };
            match calls.send(back).await {
                Ok(()) => return true,
                // That driver has just ended: another one takes the call.
                Err(mpsc::error::SendError(back)) => call = back,
            }
        }
    }

    /// Ends the driver of a session that is about to be deleted, with what it holds.
    pub(crate) async fn forget(&self, session: &SessionKey) {
        let driver = self.drivers.lock().remove(session);
        if let Some(driver) = driver {
            driver.stop.cancel();
            driver.ended.cancelled().await;
        }
    }

    /// Lets a driver go if nothing came for it meanwhile.
    pub(crate) fn release(&self, session: &SessionKey, inbox: &mut Inbox<C>) -> bool {
        let mut drivers = self.drivers.lock();
        match inbox.pokes.try_recv() {
            Ok(()) => false,
            Err(mpsc::error::TryRecvError::Empty) if !inbox.calls.is_empty() => false,
            Err(mpsc::error::TryRecvError::Empty) => {
                drivers.remove(session);
                true
            }
            // It was forgotten, so what the map holds now belongs to another driver.
            Err(mpsc::error::TryRecvError::Disconnected) => true,
        }
    }

    /// Is the session driven here?
    pub(crate) fn has(&self, session: &SessionKey) -> bool {
        self.drivers.lock().contains_key(session)
    }

    /// Does something run for the session here that a drain waits for?
    pub(crate) fn is_busy(&self, session: &SessionKey) -> bool {
        self.drivers.lock().get(session).is_some_and(Handle::is_busy)
    }

    /// Sessions that are driven now.
    pub(crate) fn len(&self) -> usize {
        self.drivers.lock().len()
    }

    /// Does it start no driver any more?
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// When it begins to drain.
    pub(crate) fn drained(&self) -> Notified<'_> {
        self.drain.notified()
    }

    /// Starts no driver any more, and waits until those that run have ended by themselves.
    pub(crate) async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        // Whoever did not see the flag has started its driver by now.
        drop(self.drivers.lock());
        self.drain.notify_waiters();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Drops every driver at once, as a crash would. What was committed stays.
    pub(crate) fn abort(&self) {
        self.draining.store(true, Ordering::Release);
        self.abort.cancel();
    }

    /// Starts a driver, unless it drains or there are too many.
    fn start<F>(
        &self,
        drivers: &mut HashMap<SessionKey, Handle<C>>,
        session: &SessionKey,
        row: &Arc<SessionRow>,
        start: impl FnOnce(Inbox<C>) -> F,
    ) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.is_draining() || drivers.len() >= self.max {
            return false;
        }
        let (poke, pokes) = mpsc::channel(1);
        let (calls, called) = mpsc::channel(CALLS_MAX);
        let stop = self.abort.child_token();
        let ended = CancellationToken::new();
        let at_end = ended.clone().drop_guard();
        let (row, busy) = (Mutex::new(Arc::clone(row)), AtomicBool::new(false));
        let desk = Arc::new(Desk { row, busy });
        let driver = start(Inbox { desk: Arc::clone(&desk), pokes, calls: called });
        let stopped = stop.clone();
        self.tasks.spawn(async move {
            let _at_end = at_end;
            stopped.run_until_cancelled(driver).await;
        });
        let handle = Handle { poke, calls, desk, stop, ended };
        drivers.insert(session.clone(), handle);
        true
    }
}

impl<C> Inbox<C> {
    /// Says whether something runs now that a drain waits for.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.desk.busy.store(busy, Ordering::Release);
    }

    /// The session's row, as it was when somebody last poked or called.
    pub(crate) fn row(&self) -> Arc<SessionRow> {
        Arc::clone(&self.desk.row.lock())
    }
}

impl<C> Handle<C> {
    fn is_busy(&self) -> bool {
        self.is_alive() && self.desk.busy.load(Ordering::Acquire)
    }

    /// Keeps the newer row: another gateway, or a request here, may have changed it.
    fn see(&self, row: &Arc<SessionRow>) {
        let mut newest = self.desk.row.lock();
        if row.version > newest.version {
            *newest = Arc::clone(row);
        }
    }

    fn is_alive(&self) -> bool {
        !self.poke.is_closed()
    }
}
