//! Figures as a person and as a program reads them.

mod agents;
mod capacity;
mod machine;
mod markdown;
mod nodes;
mod table;
mod transports;

pub use agents::{answers_table, flood_table, hosted_table, parked_table};
pub use capacity::{checked_table, need_table};
pub use machine::Machine;
pub use markdown::{appends_table, idle_table, paced_table, resume_table, turns_table};
pub use nodes::nodes_table;
pub use table::Table;
pub use transports::{firsts_table, kept_table, live_table, replay_table};
