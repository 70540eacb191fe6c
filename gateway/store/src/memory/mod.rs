//! `memory:`: nothing survives exit. Tests and ephemeral use.

mod batches;
mod commit;
#[cfg(any(test, feature = "contract"))]
mod fleet;
mod index;
#[cfg(any(test, feature = "contract"))]
mod node;
mod session;
mod shards;
mod store;

#[cfg(any(test, feature = "contract"))]
pub use fleet::{MemoryFleet, MemoryNode};
pub use store::MemoryStore;
