//! The machine of a session's runs: pure. Inputs, workers' words and time go in, effects come out.

mod asked;
mod budget;
mod early_stop;
mod ending;
pub mod first_step;
mod fitting;
pub mod head_start;
mod mask;
mod owed;
mod parking;
mod state;
mod time;

#[cfg(test)]
mod tests;

pub use asked::Succession;
pub use owed::Owed;
pub(super) use owed::is_signal;
pub use state::{Effect, Machine, RunLimits};
