//! The turn engine for turn backends (design §5.1): a pure state machine per session and a thin
//! driver beside it.
//!
//! - [`machine`] decides everything: inputs and backend events in, effects out.
//! - [`answer`] is one running answer; [`conversation`] the history it extends.
//! - [`state`] is what survives a crash, written in the same commit as what it describes.
//! - `driver` runs one session's machine; [`engine`] keeps the drivers.

pub mod answer;
mod asked;
mod beginning;
pub mod conversation;
pub(crate) mod driver;
mod ending;
pub mod engine;
pub mod machine;
mod recovery;
mod serve;
pub mod state;
mod steering;

pub(crate) use ending::INTERRUPTED;
pub use engine::{TurnLimits, Turns};
