//! Two gateways that share a Redis.

mod counts;
mod harm;
mod run;
mod stage;

pub use counts::Counts;
pub use harm::Harm;
pub use run::{Nodes, NodesPlan, nodes};
pub use stage::Stage;
