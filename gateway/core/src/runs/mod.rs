//! Runs: sessions whose turn loop is a worker's (design §5.2).
//!
//! - [`machine`] decides everything; `driver` runs one session's machine.
//! - [`book`] is what survives a crash.
//! - `engine` keeps the drivers; [`requests`], [`notes`], `reads` and `mask` are for callers.

pub mod book;
mod calls;
mod driver;
mod elsewhere;
mod engine;
mod injected;
pub mod machine;
mod mask;
pub mod notes;
pub mod opened;
mod payload;
mod reads;
pub mod requests;

pub use calls::Call;
pub use driver::ToOpen;
pub use engine::Runs;
pub use injected::injected_messages;
pub use machine::{RunLimits, Succession};
