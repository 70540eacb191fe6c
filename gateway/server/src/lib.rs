//! The binary `tidegate`: command line, configuration, wiring, console, telemetry.

pub mod cli;
pub mod client;
pub mod config;
pub mod console;
pub mod exit;
pub mod out;
pub mod telemetry;
pub mod wire;
