//! How many gateways and Redis shards a load takes: a model, what it is calibrated with, and how
//! far it is off on this machine.

mod calibration;
mod check;
mod measure;
mod model;
mod slots;

pub use calibration::{Calibration, Constants};
pub use check::{Checked, check};
pub use measure::calibrate;
pub use model::{Load, Machines, Need, Part, size};
pub use slots::busiest_share;
