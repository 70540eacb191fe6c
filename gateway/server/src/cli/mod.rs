//! The commands.

mod args;
mod config;
mod dev;
mod keys;
mod remote;
mod run;
mod serve;
mod sessions;
mod tail;
mod tail_line;

pub use args::Args;
pub use run::run;
