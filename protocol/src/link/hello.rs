//! What a worker says first.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A worker registers (R-LNK-2, R-LNK-5 to R-LNK-10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Its name for the life of its process: 1 to 64 of `A-Za-z0-9._-`.
    pub worker: String,
    /// Grows with every connection that it makes.
    pub epoch: u64,
    /// How many pieces of work may run at once.
    pub capacity: usize,
    /// What it serves.
    pub agents: Vec<AgentSpec>,
    /// What it still holds from an earlier link.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work: Vec<HeldWork>,
}

/// One agent of a worker (R-LNK-7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentSpec {
    /// What sessions call it.
    pub id: String,
    /// 1 to 64 printable ASCII characters.
    #[serde(default = "first_version")]
    pub version: String,
    /// Who runs the turn loop.
    pub mode: Mode,
    /// It takes messages while a turn runs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub steering: bool,
    /// It answers action turns.
    #[serde(default, skip_serializing_if = "is_false")]
    pub actions: bool,
    /// Mode `http`: seconds that a finished turn's run stays before it parks.
    #[serde(default = "warm", skip_serializing_if = "is_warm")]
    pub warm_s: u64,
    /// `{"name", "description"?, "input_schema"?, "needs_approval"?}` each: what the model of a
    /// head start may call. Shown to operators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// What of a head start it takes over; without it none is made for it (R-HDS-11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<TakesOver>,
    /// Shown to operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

impl AgentSpec {
    /// An agent with the defaults.
    pub fn new(id: &str, mode: Mode) -> Self {
        Self {
            id: id.to_owned(),
            version: first_version(),
            mode,
            steering: false,
            actions: false,
            warm_s: warm(),
            tools: Vec::new(),
            handover: None,
            metadata: None,
        }
    }

    /// Without what only operators see: how its sessions are served.
    pub fn for_service(&self) -> Self {
        let tools = if self.handover.is_some() { self.tools.clone() } else { Vec::new() };
        Self { tools, metadata: None, ..self.clone() }
    }
}

/// What an agent can go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakesOver {
    /// Text, and tool calls that it executes.
    Calls,
    /// Text only.
    Text,
}

/// Who runs the turn loop, and how records flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The gateway; a piece of work is one answer.
    Turns,
    /// The worker; records flow over the link.
    Runs,
    /// The worker; records flow over the HTTP and S2 bindings.
    Http,
}

/// Work that the worker holds (R-LNK-10).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldWork {
    /// Its id.
    pub id: String,
    /// Highest own `seq` that was acknowledged; 0 if none was.
    #[serde(default)]
    pub acked: u64,
    /// Highest `.in` seq that it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// Runs: the run's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Runs: the fencing token that it was booted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// Runs: it waits for input.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parked: bool,
}

fn first_version() -> String {
    "1".to_owned()
}

fn warm() -> u64 {
    30
}

fn is_warm(seconds: &u64) -> bool {
    *seconds == warm()
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
