//! Users of sessions: each says something and follows the answer.

mod talk;
mod talks;

pub use talks::Faults;
pub(super) use talks::Talks;
