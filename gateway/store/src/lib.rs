//! Stores behind the StreamStore seam: memory and disk, with the one contract suite all must pass.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod disk;
mod listing;
mod memory;
mod open;
pub mod redis;
mod rules;
#[cfg(any(test, feature = "contract"))]
pub mod servers;

pub use disk::DiskStore;
pub use memory::MemoryStore;
#[cfg(any(test, feature = "contract"))]
pub use memory::{MemoryFleet, MemoryNode};
pub use open::{ListenableStore, OpenError, Opened, STORE_URLS, open, open_shared};
pub use redis::{RedisFleet, RedisStore, StoreTime};
