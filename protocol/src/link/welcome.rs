//! The gateway's answer to `hello`.

use serde::{Deserialize, Serialize};

/// The worker is taken in (R-LNK-2, R-LNK-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The worker sends something at least this often, ms.
    pub heartbeat_ms: u64,
    /// Silence after which the link is closed and its work lost, ms.
    pub lease_ms: u64,
    /// How long a link that was cut may be resumed, ms.
    pub resume_ms: u64,
    /// Bytes of one piece of work's frames that may be unacknowledged.
    pub window_bytes: usize,
    /// Largest frame, in bytes.
    pub frame_max_bytes: usize,
    /// An answer for every entry of `hello.work`.
    #[serde(default)]
    pub work: Vec<WelcomedWork>,
}

/// What became of a piece of work that the worker still holds (R-LNK-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WelcomedWork {
    /// Its id.
    pub id: String,
    /// Is it still the worker's? Else it must end it.
    pub held: bool,
    /// Frames up to this `seq` need not be sent again.
    #[serde(default)]
    pub acked: u64,
}
