//! From a configuration to a running gateway, and back.

mod build;
mod entropy;
mod extra;
mod open_files;
mod process;
mod signals;
mod sweeps;

pub use build::{Running, start};
pub use process::run;
