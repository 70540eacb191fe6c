//! Drivers: one task per session that has something to do, which runs the session's pure machine.
//! What the turn engine and the run engine have in common.

mod common;
mod epochs;
mod keeper;
mod serve;

pub use common::Common;
pub(crate) use common::far;
pub(crate) use epochs::Epochs;
pub(crate) use keeper::{Inbox, Keeper};
pub(crate) use serve::{Serve, keep_serving};
