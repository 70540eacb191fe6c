//! What the agent link costs: the same agent in a worker of its own and, as the measure, in the
//! gateway itself.

mod answers;
mod flood;
mod parked;
mod served;

pub use answers::{AnswerPlan, Answers, answers};
pub use flood::{Flood, FloodPlan, flood};
pub use parked::{Parked, parked};
pub use served::Through;
