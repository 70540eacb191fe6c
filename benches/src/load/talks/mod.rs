//! Users of sessions: each says something and follows the answer.

mod many;
mod talk;

pub use many::Faults;
pub(super) use many::Talks;
