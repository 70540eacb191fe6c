//! The first step of an answer, made by the gateway beside the boot of the agent (R-HDS-11 to
//! R-HDS-21): the agent's configuration, the step itself (pure), and its driver.

mod config;
mod step;
mod takes;
mod warm;

pub(crate) use config::CANT_GO_ON;
pub use config::HeadStart;
pub use step::{Outcome, Step};
pub use warm::{StepEvent, WarmStep};
