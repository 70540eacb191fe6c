//! What the turn engine keeps of a session, in one blob that is written in the same commit as the
//! records, fates and messages that it describes, so that they can't disagree after a crash.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::seams::store::{Op, StoreError};

/// Name of the blob.
pub const ENGINE_BLOB: &str = "engine";
/// Prefix of the blobs that hold one message each, in order.
pub const MESSAGE_PREFIX: &str = "t/";

/// Durable state of a session's turns. All defaults before the first turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineState {
    /// Turns begun so far.
    pub turn: u64,
    /// Highest `.in` seq that was looked at (the high-water).
    pub seen: Option<u64>,
    /// `.in` seq up to which everything is answered (the floor).
    pub floor: Option<u64>,
    /// `.out` seq of the newest boundary.
    pub last_out: Option<u64>,
    /// Messages in the transcript.
    pub messages: usize,
    /// Unix ms of the last change.
    pub saved_at: u64,
    /// The turn that runs.
    pub active: Option<Active>,
}

/// A turn that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// `.in` seq of its input.
    pub seq: u64,
    /// Attempt, from 1; 0 if the backend was not asked yet.
    pub attempt: u32,
    /// Id of the answer's message.
    pub answer_id: String,
    /// Does it continue the last message?
    pub continues: bool,
    /// `.out` seq from which its records start.
    pub out_start: u64,
}

impl EngineState {
    /// Reads the blob.
    pub fn parse(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|error| StoreError::Corrupt(format!("engine state: {error}")))
    }

    /// The operation that writes the blob.
    pub fn put(&self) -> Op {
        let bytes = serde_json::to_vec(self).expect("the state is valid JSON").into();
        Op::PutBlob { name: ENGINE_BLOB.to_owned(), bytes }
    }
}

/// One message of the transcript, as stored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StoredMessage {
    /// `false` for an answer that was cut.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// A UIMessage.
    pub message: serde_json::Value,
}

impl StoredMessage {
    /// Reads a blob.
    pub fn parse(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|error| StoreError::Corrupt(format!("stored message: {error}")))
    }

    /// The blob.
    pub fn to_bytes(&self) -> Bytes {
        Self::encode(self.is_final, &self.message)
    }

    /// The blob of a message that is only borrowed.
    pub fn encode(is_final: bool, message: &serde_json::Value) -> Bytes {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            r#final: bool,
            message: &'a serde_json::Value,
        }
        let stored = Borrowed { r#final: is_final, message };
        serde_json::to_vec(&stored).expect("a Value is valid JSON").into()
    }
}

/// Name of the blob of the message at `index`: sorts like the index.
pub fn message_name(index: usize) -> String {
    format!("{MESSAGE_PREFIX}{index:010}")
}
