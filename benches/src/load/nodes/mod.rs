//! Gateways that share a Redis.

mod counts;
mod harm;
mod run;
mod stage;
mod waiting;

pub use counts::Counts;
use counts::number_after;
pub use harm::Harm;
pub use run::{Nodes, NodesPlan, ReadersAt, nodes};
pub use stage::Stage;
pub use waiting::{Held, Rest};
