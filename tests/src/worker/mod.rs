//! Workers for tests that kill them: agents whose answers follow from the message alone.

mod dial;
mod held;
mod run;
pub mod runs;
pub mod script;
mod shared;
pub mod turns;

pub use shared::ZOMBIE;
