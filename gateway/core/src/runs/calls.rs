//! What others ask of a session's driver.

use tidegate_protocol::NewRecord;
use tokio::sync::oneshot;

use super::driver::ToOpen;
use super::machine::Succession;
use crate::seams::store::{Appended, CommitError, Writer};
use crate::workers::Work;

/// A call; it is answered on its channel.
#[derive(Debug)]
pub enum Call {
    /// Append records among which is a boundary.
    Boundary {
        /// What is appended to `.out`.
        records: Vec<NewRecord>,
        /// Who writes.
        writer: Writer,
        /// Recognises a repeat.
        frame_key: Option<String>,
        /// Where they landed.
        reply: oneshot::Sender<Result<Appended, CommitError>>,
    },
    /// A run wants a successor.
    Succeed {
        /// Its number.
        number: u64,
        /// For an upgrade, which is counted (I7).
        upgrade: bool,
        /// Who takes over, and whether that version is there.
        reply: oneshot::Sender<(Succession, bool)>,
    },
    /// Cancel a run.
    Cancel {
        /// Its number.
        number: u64,
        /// Was it live?
        reply: oneshot::Sender<bool>,
    },
    /// A worker is back with a run from before the gateway's restart.
    Adopt {
        /// Its work.
        work: Work,
        /// The run's number.
        number: u64,
        /// The fence that it was booted with.
        fence: u64,
        /// It waits for input.
        parked: bool,
        /// Highest `.in` seq that it was sent.
        seen: Option<u64>,
        /// Is it still the session's run?
        reply: oneshot::Sender<bool>,
    },
    /// Open a head start.
    Open {
        /// What.
        open: Box<ToOpen>,
        /// Is it open? Not while a turn runs.
        reply: oneshot::Sender<bool>,
    },
    /// The running turn took these messages in.
    Injected(Vec<String>),
    /// The session was closed by its own run.
    Closed,
    /// Another gateway has the worker that holds the run: leave the session to it. Was it left?
    Yield(oneshot::Sender<bool>),
}
