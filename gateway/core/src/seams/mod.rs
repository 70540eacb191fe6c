//! The trait seams: what the engine needs from stores, backends, clocks and entropy.

pub mod backend;
pub mod clock;
pub mod fleet;
pub mod steering;
pub mod store;
pub mod tools;

pub use backend::AgentBackend;
pub use clock::{Clock, Entropy};
pub use fleet::Fleet;
pub use store::StreamStore;
pub use tools::ToolSchema;

use std::future::Future;
use std::pin::Pin;

/// A boxed future that a seam returns: one per operation, never one per record or subscriber.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
