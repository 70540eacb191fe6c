//! How work ends, and why.

use serde::{Deserialize, Serialize};

/// Why a piece of work was lost or cancelled, or why the one before it was (R-LNK-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The worker's connection ended and did not come back.
    WorkerLost,
    /// The worker was connected but silent.
    WorkerSilent,
    /// The agent failed, or its worker broke the rules of the link.
    Crashed,
    /// The agent ran out of memory.
    Oom,
    /// It ended by itself.
    Exited,
    /// It was cancelled from outside.
    Cancelled,
    /// It had to make room.
    Evicted,
    /// A newer version takes over.
    Upgraded,
    /// The gateway was restarted.
    GatewayRestarted,
    /// The user stopped the turn.
    Stopped,
    /// It took too long.
    Timeout,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

impl Cause {
    /// The wire form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WorkerLost => "worker_lost",
            Self::WorkerSilent => "worker_silent",
            Self::Crashed => "crashed",
            Self::Oom => "oom",
            Self::Exited => "exited",
            Self::Cancelled => "cancelled",
            Self::Evicted => "evicted",
            Self::Upgraded => "upgraded",
            Self::GatewayRestarted => "gateway_restarted",
            Self::Stopped => "stopped",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown",
        }
    }
}

/// The `error` of an `exit` frame: the run did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitError {
    /// What kind of end.
    pub class: ExitClass,
    /// For a person.
    #[serde(default)]
    pub message: String,
}

/// Kinds of bad ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitClass {
    /// Its process or isolate died.
    Crashed,
    /// It ran out of memory; tried again on a larger one where there is one.
    Oom,
    /// It threw.
    Failed,
}
