//! A worker: this binary again, as a child process that serves the agent over the link.

use std::fmt;
use std::io;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;

/// Who runs the turn loop (R-LNK).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkerMode {
    /// The gateway; the worker is one of `tidegate-client`.
    Turns,
    /// The worker, which speaks frames by hand.
    Runs,
}

/// A running worker; killed when dropped.
#[derive(Debug)]
pub struct Worker(Child);

impl Worker {
    /// Starts it beside the generator. It connects in its own time.
    pub fn start(address: &str, mode: WorkerMode) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve-worker", "--address", address, "--mode", &mode.to_string()]);
        // The generator's stdout is its report.
        Ok(Self(command.stdout(Stdio::null()).spawn()?))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have exited by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl fmt::Display for WorkerMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turns => "turns",
            Self::Runs => "runs",
        })
    }
}
