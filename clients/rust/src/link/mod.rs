//! The worker's side of the agent link (R-LNK): a pure state machine, and the socket that it is
//! driven over.

mod backoff;
mod dial;
mod held;
mod machine;
mod serve;
mod shared;

pub(crate) use backoff::Backoff;
pub(crate) use dial::{Address, DialError, dial};
pub(crate) use held::Fate;
#[cfg(test)]
pub(crate) use machine::Asked;
pub(crate) use machine::Machine;
pub(crate) use serve::{Ended, serve};
pub(crate) use shared::Shared;
