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
    /// How long nothing may be appended before the hand-over, ms.
    pub wait_ms: u64,
    /// The hand-over, once it is there.
    #[serde(default)]
    pub handed: Option<Handed>,
}

/// A hand-over that no boundary has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Its `.in` seq.
    pub seq: u64,
    /// Tail of `.out` when it was read, moved by what the gateway itself appends: a run that has
    /// written nothing beyond has not taken it.
    pub out: u64,
}
