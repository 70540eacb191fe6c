//! The command line.

mod agents;
mod args;
mod capacity;
mod nodes;
mod report;
mod run;
mod transports;

pub use args::Args;
pub use run::run;
