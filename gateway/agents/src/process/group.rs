//! A child and its process group, which has the child's id. Nothing is signalled by that id once
//! the child was reaped: from then on it may name others.

use std::fmt;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::Child;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Status(i32),
    Signal(i32),
    /// Something else in this process has reaped it.
    Unknown,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exited with status {status}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::Unknown => f.write_str("ended, nobody knows how"),
        }
    }
}

/// Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    /// `None` once the child is reaped.
    id: Option<Pid>,
}

impl Group {
    /// `child` leads its group.
    pub(super) fn new(child: Child) -> Self {
        let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        Self { child, id }
    }

    /// How the command ended, if it did. Leaves it to be reaped, so that the id stays taken.
    pub(super) fn ended(&self) -> Option<Ending> {
        let id = self.id?;
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(id), how) {
            Ok(None) => None,
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(status), _) => Some(Ending::Status(status)),
                (None, Some(signal)) => Some(Ending::Signal(signal)),
                (None, None) => None,
            },
            Err(_) => Some(Ending::Unknown),
        }
    }

    /// Signals every process of the group.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // Nobody left to signal is fine.
            let _ = kill_process_group(id, signal);
        }
    }

    /// Kills what is left and waits until the child is gone.
    pub(super) async fn end(mut self) {
        self.signal(Signal::KILL);
        // An error says that it is gone already.
        let _ = self.child.wait().await;
        self.id = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
