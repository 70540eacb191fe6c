//! The `process` backend's table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use tidegate_protocol::limits::PROCESS_CHILDREN_DEFAULT;

use super::{Secret, Timeouts};

/// Keys of an agent with `backend = "process"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// Program and arguments, passed as they are.
    pub command: Vec<String>,
    /// The child's working folder; the gateway's without it.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Variables of the child's environment.
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    /// Most children at once; further turns wait.
    #[serde(default = "max_children")]
    pub max_children: usize,
    /// Does it take action turns?
    #[serde(default)]
    pub actions: bool,
    /// Timeouts.
    #[serde(default)]
    pub timeouts: ProcessTimeouts,
}

fn max_children() -> usize {
    PROCESS_CHILDREN_DEFAULT
}

/// The `timeouts` table: that of the other backends, without a connection to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessTimeouts {
    /// From the call to the first byte of output, the wait for a free child included.
    pub first_byte_ms: u64,
    /// Between two bytes of output.
    pub idle_ms: u64,
    /// From the call to the command's exit.
    pub total_ms: u64,
}

impl Default for ProcessTimeouts {
    fn default() -> Self {
        let Timeouts { first_byte_ms, idle_ms, total_ms, .. } = Timeouts::default();
        Self { first_byte_ms, idle_ms, total_ms }
    }
}

impl From<ProcessTimeouts> for Timeouts {
    fn from(from: ProcessTimeouts) -> Self {
        let ProcessTimeouts { first_byte_ms, idle_ms, total_ms } = from;
        Self { first_byte_ms, idle_ms, total_ms, ..Self::default() }
    }
}
