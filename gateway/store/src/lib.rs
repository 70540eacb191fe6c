//! Stores behind the StreamStore seam: memory and disk, with the one contract suite all must pass.

mod listing;
mod memory;
mod open;
mod rules;

pub use memory::MemoryStore;
pub use open::{ListenableStore, OpenError, open};
