//! What the committing thread and the readers share.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use tidegate_core::seams::Clock;
use tidegate_core::seams::store::{CommitListener, Retention, StoreError};
use tidegate_protocol::ids::SessionKey;

use super::engine::Engine;
use super::views::Views;

/// Shared state of a store.
#[derive(Debug)]
pub(super) struct Shared {
    /// `None` while it could not be opened again, and after the end. A reader holds the lock
    /// while it reads: the engine must have no users when it is opened again.
    pub(super) engine: RwLock<Option<Engine>>,
    pub(super) views: Views,
    /// Sessions that owe something, as committed.
    pub(super) owing: Mutex<BTreeSet<SessionKey>>,
    pub(super) listener: OnceLock<Arc<dyn CommitListener>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retention: Retention,
    pub(super) closed: AtomicBool,
}

impl Shared {
    /// Reads with the engine. Blocks on the disk.
    pub(super) fn with_engine<T>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_open()?;
        match &*self.engine.read() {
            Some(engine) => read(engine),
            None if self.closed.load(Ordering::Acquire) => Err(StoreError::Closed),
            None => Err(StoreError::Unavailable("it has yet to recover from a failure".into())),
        }
    }

    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(()) }
    }
}
