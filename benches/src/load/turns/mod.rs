//! Whole turns: a client appends a message, the gateway asks the backend, the backend streams,
//! the client follows. The backend is in this process, so that both ends have one clock.

mod chat;
mod chunks;
mod plan;
mod run;
mod upstream;

pub use plan::{TurnPlan, Turns};
pub use run::turns;
