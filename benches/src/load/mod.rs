//! The loads: each drives a target and returns what it saw.

mod appender;
mod appends;
mod check;
mod follower;
mod host;
mod idle;
mod latency;
mod link;
mod nodes;
mod paced;
mod resume;
mod schedule;
mod talks;
mod transports;
mod turns;
mod usage;

pub(crate) use check::Check;
pub(crate) use schedule::Schedule;

pub use appends::{Appends, appends};
pub use host::{HostPlan, Hosted, hosted};
pub use idle::{Idle, idle};
pub use latency::Latency;
pub use link::{AnswerPlan, Answers, Flood, FloodPlan, Parked, Through, answers, flood, parked};
pub use nodes::{Counts, Harm, Held, Nodes, NodesPlan, ReadersAt, Rest, Stage, nodes};
pub use paced::{Paced, Plan, Site, paced, paced_at};
pub use resume::{Resume, resume};
pub use talks::Faults;
pub use transports::{
    FirstPlan, Firsts, KEPT, Kept, Live, LivePlan, Memory, Quiet, Replay, ReplayPlan, Way,
    fill_log, firsts, kept, live, quiet, replay,
};
pub use turns::{TurnPlan, Turns, turns};
