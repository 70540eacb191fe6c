//! What the suite needs to know about a store.

use std::sync::Arc;

use tidegate_core::seams::store::Retention;
use tidegate_core::seams::{BoxFuture, Clock};

use crate::open::ListenableStore;

/// Makes stores of one kind, all over the same data.
pub trait StoreFactory: Send + Sync {
    /// Opens a store; a durable one holds what the one before it held, which has been closed or
    /// dropped.
    fn open(
        &self,
        clock: Arc<dyn Clock>,
        retention: Retention,
    ) -> BoxFuture<'_, Arc<dyn ListenableStore>>;

    /// Does data outlive the store that was opened?
    fn is_durable(&self) -> bool;
}
