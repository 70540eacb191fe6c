//! Every transport beside the others: what a record costs while it is live and out of a log, what
//! an open connection holds, how soon the first record is there.

mod first;
mod kept;
mod live;
mod readers;
mod replay;
mod runtime;
mod way;
mod writers;

pub use first::{FirstPlan, Firsts, firsts};
pub use kept::{KEPT, Kept, Memory, kept};
pub use live::{Live, LivePlan, Quiet, live, quiet};
pub use replay::{Replay, ReplayPlan, fill_log, replay};
pub use way::Way;
