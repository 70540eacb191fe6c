//! The host of unmodified agent files, as a child process.

use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{GENERATOR_CORE, pin, unpin};
use crate::net::KEY;

/// What to start.
#[derive(Clone, Debug)]
pub struct HostSetup {
    /// Node.
    pub node: PathBuf,
    /// The host's main module.
    pub main: PathBuf,
    /// The agent file.
    pub file: PathBuf,
    /// Isolates that it keeps ready.
    pub spares: u32,
    /// Live chats at once.
    pub capacity: u32,
}

/// A running host; killed when dropped.
#[derive(Debug)]
pub struct Host {
    child: Child,
    /// Its sessions' folders, deleted after the run.
    _workspaces: TempDir,
}

impl Host {
    /// Starts it on all cores, since its isolates are threads, and waits until it serves.
    pub fn start(setup: &HostSetup, address: &str) -> io::Result<Self> {
        let workspaces = tempfile::tempdir()?;
        let mut command = Command::new(&setup.node);
        command.arg(&setup.main).args(["--url", &format!("http://{address}"), "--key", KEY]);
        command.args(["--spares", &setup.spares.to_string()]);
        command.args(["--capacity", &setup.capacity.to_string()]);
        command.arg("--workspaces").arg(workspaces.path()).arg(&setup.file);
        unpin()?;
        let child = command.stdout(Stdio::piped()).spawn();
        pin(GENERATOR_CORE)?;
        let child =
            child.map_err(|error| io::Error::other(format!("{:?}: {error}", setup.node)))?;
        let mut host = Self { child, _workspaces: workspaces };
        host.wait_ready()?;
        Ok(host)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_ready(&mut self) -> io::Result<()> {
        let stdout = self.child.stdout.take();
        for line in stdout.map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            if line?.starts_with("serving ") {
                return Ok(());
            }
        }
        Err(io::Error::other("the host ended before it served"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have exited by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
