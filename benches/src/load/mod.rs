//! The loads: each drives a target and returns what it saw.

mod appender;
mod appends;
mod check;
mod follower;
mod idle;
mod latency;
mod paced;
mod resume;
mod schedule;
mod turns;
mod usage;

pub use appends::{Appends, appends};
pub use idle::{Idle, idle};
pub use latency::Latency;
pub use paced::{Paced, Plan, paced};
pub use resume::{Resume, resume};
pub use turns::{TurnPlan, Turns, turns};
