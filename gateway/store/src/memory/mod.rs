//! `memory:`: nothing survives exit. Tests and ephemeral use.

mod batches;
mod commit;
mod index;
mod session;
mod shards;
mod store;

pub use store::MemoryStore;
