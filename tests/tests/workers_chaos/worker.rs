//! Worker processes behind a proxy each.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tidegate_tests::process::KEY;

use crate::proxy::Proxy;

/// Who runs the turn loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Turns,
    Runs,
}

impl Mode {
    /// The agent that workers of this mode serve.
    pub(crate) fn agent(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Runs => "runs",
        }
    }
}

/// A worker's process, and those that follow when it is killed.
pub(crate) struct Worker {
    pub(crate) mode: Mode,
    pub(crate) proxy: Proxy,
    name: String,
    version: String,
    capacity: usize,
    dir: PathBuf,
    life: u32,
    child: Option<Child>,
}

impl Worker {
    /// Starts one. `name` tells it apart from the others.
    pub(crate) async fn start(
        dir: &Path,
        gateway: &str,
        mode: Mode,
        name: &str,
        version: &str,
        capacity: usize,
    ) -> Self {
        let proxy = Proxy::to(gateway).await;
        let (name, version, dir) = (name.to_owned(), version.to_owned(), dir.to_owned());
        let (life, child) = (0, None);
        let mut worker = Self { mode, proxy, name, version, capacity, dir, life, child };
        worker.spawn();
        worker
    }

    /// Names the process that runs now, also in what it writes.
    pub(crate) fn tag(&self) -> String {
        format!("{}-{}", self.name, self.life)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the worker runs: it never ends by itself");
            let status = child.wait().expect("the worker was killed");
            assert!(status.code().is_none(), "{} had ended with {status}", self.tag());
        }
    }

    /// Starts the next process.
    pub(crate) fn spawn(&mut self) {
        self.life += 1;
        let log = self.dir.join(format!("{}.log", self.tag()));
        let child = Command::new(env!("CARGO_BIN_EXE_chaos_worker"))
            .arg(self.mode.agent())
            .arg(self.proxy.address.to_string())
            .args([KEY, self.mode.agent(), &self.version, &self.tag()])
            .arg(self.capacity.to_string())
            .arg(log)
            .stdout(Stdio::null())
            .spawn()
            .expect("the worker was built");
        self.child = Some(child);
    }

    /// Freezes it (SIGSTOP), or thaws it (SIGCONT).
    pub(crate) fn freeze(&self, frozen: bool) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let signal = if frozen { "-STOP" } else { "-CONT" };
        Command::new("kill").args([signal, &pid]).status().expect("kill exists");
    }

    /// How often the gateway has refused what the process said for work that it did not hold.
    pub(crate) fn refusals(&self) -> usize {
        let log = self.dir.join(format!("{}.log", self.tag()));
        std::fs::read_to_string(log).unwrap_or_default().lines().count()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
