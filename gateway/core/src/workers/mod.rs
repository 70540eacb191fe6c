//! Workers: agents in other processes that serve sessions over the agent link (R-LNK).

mod backend;
mod elsewhere;
mod known;
mod link;
mod outbox;
mod parked;
mod piece;
mod pool;
mod presence;
mod registration;
mod registry;
mod served;
mod stepping;
mod takes;
mod work;

#[cfg(test)]
mod tests;

pub use link::{Link, LinkEvent};
pub use piece::WorkEvent;
pub use pool::{Want, WorkerKey};
pub use registry::Workers;
pub use work::{Slot, Work};
