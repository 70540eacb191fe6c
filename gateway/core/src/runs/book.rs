//! What is kept of a session's runs: one blob for what matters now, and one for each run.

use serde::{Deserialize, Serialize};
use tidegate_protocol::ids::SESSION_ID_PREFIX;
use tidegate_protocol::link::Cause;

use super::opened::HeadStart;
use crate::seams::store::{Op, StoreError};

/// Name of the blob that holds a [`Book`].
pub const BOOK_BLOB: &str = "book";
/// Prefix of the blobs that hold one [`RunRow`] each, in order.
pub const RUN_PREFIX: &str = "run/";

/// Durable state of a session's runs. All defaults before the first run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    /// Number of the newest run, from 1.
    pub number: u64,
    /// The run that is live.
    pub current: Option<Current>,
    /// Turns that ended.
    pub turn: u64,
    /// `.in` seq up to which everything is settled, of the newest boundary.
    pub floor: Option<u64>,
    /// Highest `.in` seq that was seen, of the newest boundary.
    pub consumed: Option<u64>,
    /// Runs and attempts since the newest boundary (I7).
    pub fruitless: u32,
    /// Upgrades since the newest boundary (I7).
    pub swaps: u32,
    /// The message of the base payload has no boundary yet.
    pub initial: bool,
    /// A turn whose first step is made by somebody else.
    pub head_start: Option<HeadStart>,
    /// A run has left that waited for the first step of the running turn.
    pub left: bool,
    /// A run is wanted although nothing is owed: a preload, or a successor.
    pub wanted: bool,
    /// Number of the run that takes over when the current one exits.
    pub successor: Option<u64>,
    /// How the last run ended.
    pub cause: Option<Cause>,
    /// The worker that last had the session.
    pub worker: Option<String>,
    /// It was announced that the version is not there yet.
    pub pending: bool,
}

/// A live run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Attempt, from 1.
    pub attempt: u32,
    /// Fencing token.
    pub fence: u64,
    /// Version of the agent.
    pub version: String,
    /// Unix ms.
    pub began_at: u64,
    /// Highest `.in` seq that had been read when it began: what was settled by then is no business
    /// of its.
    #[serde(default)]
    pub seen: Option<u64>,
    /// It was booted before anything was asked for.
    #[serde(default)]
    pub preloaded: bool,
}

/// One run, for whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its number in the session, from 1.
    pub number: u64,
    /// State.
    pub status: RunStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// Version of the agent.
    pub version: String,
    /// When it was handed to a worker, Unix ms.
    pub started_at: u64,
    /// When it ended, Unix ms.
    pub finished_at: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waits for a worker.
    Queued,
    /// Live.
    Executing,
    /// Ended by itself.
    Completed,
    /// Ended with an error of the agent.
    Failed,
    /// Its process or worker died.
    Crashed,
    /// Cancelled from outside.
    Canceled,
}

impl Book {
    /// The input whose first step the gateway makes, or made.
    pub(super) fn stepped_input(&self) -> Option<u64> {
        self.head_start.as_ref()?.by_gateway.as_ref()?.input
    }

    /// Reads the blob.
    pub fn parse(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes).map_err(|e| StoreError::Corrupt(format!("run book: {e}")))
    }

    /// Does a turn run, or wait for its run, whose message is not on `.in`?
    pub fn begins_without_input(&self) -> bool {
        self.initial || self.head_start.is_some()
    }

    /// Does the running turn, if there is one, answer a message that is not on `.in`?
    pub(super) fn answers_no_input(&self) -> bool {
        match &self.head_start {
            Some(open) => open.by_gateway.as_ref().is_none_or(|by| by.input.is_none()),
            None => self.initial,
        }
    }

    /// The operation that writes it.
    pub fn put(&self) -> Op {
        let bytes = serde_json::to_vec(self).expect("a book is valid JSON").into();
        Op::PutBlob { name: BOOK_BLOB.to_owned(), bytes }
    }
}

impl RunRow {
    /// A run that no worker has yet.
    pub(super) fn queued(number: u64, created_at: u64) -> Self {
        Self {
            number,
            status: RunStatus::Queued,
            attempts: 0,
            version: String::new(),
            started_at: created_at,
            finished_at: None,
            error: None,
        }
    }

    /// Reads a blob.
    pub fn parse(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes).map_err(|e| StoreError::Corrupt(format!("run: {e}")))
    }

    /// The operation that writes it.
    pub fn put(&self) -> Op {
        let bytes = serde_json::to_vec(self).expect("a row is valid JSON").into();
        Op::PutBlob { name: run_name(self.number), bytes }
    }
}

/// Name of the blob of run `number`: sorts like the number.
pub fn run_name(number: u64) -> String {
    format!("{RUN_PREFIX}{number:010}")
}

/// Id of run `number` of the session `session_…` (R-RUNS-1): names the session, so that no index
/// is needed to find it.
pub fn run_id(session_id: &str, number: u64) -> String {
    let suffix = session_id.strip_prefix(SESSION_ID_PREFIX).unwrap_or(session_id);
    format!("{RUN_ID_PREFIX}{suffix}{number}")
}

/// The friendly id of the session and the number of the run that `id` names.
pub fn parse_run_id(id: &str) -> Option<(String, u64)> {
    let rest = id.strip_prefix(RUN_ID_PREFIX)?;
    let (suffix, number) = rest.split_at_checked(SESSION_SUFFIX_BYTES)?;
    let number = number.parse().ok().filter(|_| !number.starts_with(['0', '+']))?;
    Some((format!("{SESSION_ID_PREFIX}{suffix}"), number))
}

const RUN_ID_PREFIX: &str = "run_";
/// Two digits of partition and 22 of entropy.
const SESSION_SUFFIX_BYTES: usize = 24;

#[cfg(test)]
mod tests {
    use tidegate_protocol::ids;

    use super::*;

    #[test]
    fn a_run_id_names_its_session() {
        let session = ids::session_id(0xab, 12_345);
        let id = run_id(&session, 17);
        assert_eq!(parse_run_id(&id), Some((session, 17)));
        for bad in ["run_x", "session_abc", "run_", &id.replace("17", "0"), &format!("{id}x")] {
            assert_eq!(parse_run_id(bad), None, "{bad}");
        }
    }
}
