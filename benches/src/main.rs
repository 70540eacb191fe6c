//! `tidegate-bench`: every figure from one command.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tidegate_benches::cli::{Args, run};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done about a broken stderr.
            let _ = writeln!(std::io::stderr(), "tidegate-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
