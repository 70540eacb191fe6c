//! A head start that is open, as it is kept with the session's runs (R-HDS).

use serde::{Deserialize, Serialize};

/// A first step is being made somewhere else, or was handed over and waits for its boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadStart {
    /// Id of the message that is answered.
    pub message: String,
    /// Is it the session's first turn, so that runs get the history in their payload?
    pub first: bool,
    /// When it was opened, Unix ms.
    pub at: u64,
    /// How long nothing may be appended before the hand-over, and how long the agent may take to
    /// take over. In ms.
    pub wait_ms: u64,
    /// The gateway itself makes the first step.
    #[serde(default)]
    pub by_gateway: Option<ByGateway>,
    /// The hand-over, once it is there.
    #[serde(default)]
    pub handed: Option<Handed>,
}

impl HeadStart {
    /// Id of the answer's message, if the gateway itself makes the first step.
    pub(super) fn own_answer(&self) -> Option<&str> {
        self.by_gateway.as_ref().map(|by| by.answer_id.as_str())
    }
}

/// A first step that the gateway makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByGateway {
    /// `.in` seq of the message; `None` if it is that of the base payload.
    pub input: Option<u64>,
    /// Id of the answer's message.
    pub answer_id: String,
    /// Tail of `.out` when it began.
    pub out_start: u64,
}

/// A hand-over that no boundary has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Its `.in` seq.
    pub seq: u64,
    /// Tail of `.out` when it was read, moved by what the gateway itself appends: a run that has
    /// written nothing beyond has not taken it.
    pub out: u64,
    /// When it was read, Unix ms.
    pub at: u64,
    /// It is the whole answer.
    pub is_final: bool,
}
