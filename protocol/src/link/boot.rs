//! Modes `runs` and `http`: what the gateway hands over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::exit::Cause;
use super::records;
use crate::record::Record;

/// Hands over a run (R-LNK-26).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootFrame {
    /// Name of the piece of work on this link.
    pub id: String,
    /// The run's id.
    pub run: String,
    /// The session's friendly id.
    pub session: String,
    /// The session's external id, or the friendly id.
    pub chat: String,
    /// The agent's id.
    pub agent: String,
    /// The version that the worker registered.
    pub version: String,
    /// Attempt of the run, from 1.
    pub attempt: u32,
    /// Fencing token of the run's lease.
    pub fence: u64,
    /// How the session's run before this one, or this one's attempt before, ended.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// How many sessions stand between it and one that a client made.
    #[serde(default)]
    pub depth: usize,
    /// The run's key (R-RUN).
    pub token: String,
    /// Had the session a run before?
    #[serde(default)]
    pub continuation: bool,
    /// The run before.
    #[serde(default)]
    pub previous_run: Option<String>,
    /// What the published SDK's agent gets as its task payload.
    #[serde(default)]
    pub payload: Value,
    /// The `.in` seq up to which everything is settled.
    #[serde(default)]
    pub floor: Option<u64>,
    /// Mode `runs`: the saved transcript.
    #[serde(default)]
    pub checkpoint: Option<String>,
    /// Mode `runs`: the `.out` records behind the checkpoint.
    #[serde(default, with = "records")]
    pub tail: Vec<Record>,
}
