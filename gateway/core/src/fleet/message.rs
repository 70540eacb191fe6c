//! What gateways of one fleet say to each other (R-FLT-4). A message that is not understood (of a
//! later version, during a rolling deploy) is left alone: everything here is a hint, or is asked
//! again by whoever waits for the answer.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate_protocol::NewRecord;

use crate::runs::{Succession, ToOpen};
use crate::seams::store::{Appended, CommitError, StoreError, Writer};

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Message {
    /// A session may have new input, and the receiver serves it, or shall.
    Wake {
        /// `environment/name`.
        session: String,
    },
    /// Something is asked of whoever serves a session.
    Ask {
        /// Of the asking gateway's own making.
        id: u64,
        /// `environment/name`.
        session: String,
        /// What.
        question: Question,
    },
    /// The answer.
    Answer {
        /// [`Message::Ask`]'s.
        id: u64,
        /// What.
        answer: Answer,
    },
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Append records among which is a boundary.
    Boundary {
        /// Header pairs and body of each.
        records: Vec<(Vec<(String, String)>, String)>,
        /// Who writes.
        writer: Class,
        /// Recognises a repeat.
        frame_key: Option<String>,
    },
    /// A run wants a successor.
    Succeed {
        /// Its number.
        number: u64,
        /// For an upgrade.
        upgrade: bool,
    },
    /// Cancel a run.
    Cancel {
        /// Its number.
        number: u64,
    },
    /// Open a head start.
    Open(Box<ToOpen>),
    /// The running turn took these messages in.
    Injected(Vec<String>),
    /// The session was closed by its own run.
    Closed,
    /// The session is about to be deleted: end what runs for it, and leave it.
    Forget,
    /// The worker that held the session's run is here: leave the session to this gateway.
    Yield,
}

/// [`Writer`], as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// [`Writer::Run`].
    Run(u64),
    /// [`Writer::Guest`].
    Guest(u64),
    /// [`Writer::Gateway`].
    Gateway(bool),
    /// [`Writer::Client`].
    Client,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Where the records landed.
    Landed {
        /// See [`Appended`].
        epoch: u64,
        /// See [`Appended`].
        first: u64,
        /// See [`Appended`].
        count: u64,
        /// See [`Appended`].
        timestamp: u64,
        /// See [`Appended`].
        repeated: bool,
    },
    /// The writer was fenced off.
    Fenced(u64),
    /// A record was too large.
    TooLarge(usize),
    /// Who takes over.
    Succeeded {
        /// Number of the run.
        number: u64,
        /// Was it this call that made it so?
        swapped: bool,
        /// That version is not there.
        missing: bool,
    },
    /// Yes or no.
    Said(bool),
    /// It could not be done, for now.
    Failed(String),
}

impl Message {
    /// Reads one; `None` if it is of another version.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// As it is sent.
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("a message is valid JSON").into()
    }
}

impl Question {
    /// [`Question::Boundary`] of records.
    pub fn boundary(records: &[NewRecord], writer: Writer, frame_key: Option<String>) -> Self {
        let one = |record: &NewRecord| {
            let body = String::from_utf8_lossy(&record.body).into_owned();
            (record.headers.clone(), body)
        };
        let records = records.iter().map(one).collect();
        Self::Boundary { records, writer: writer.into(), frame_key }
    }
}

/// Records as they came.
pub fn records(sent: Vec<(Vec<(String, String)>, String)>) -> Vec<NewRecord> {
    let one = |(headers, body): (_, String)| NewRecord { headers, body: body.into() };
    sent.into_iter().map(one).collect()
}

impl From<Writer> for Class {
    fn from(writer: Writer) -> Self {
        match writer {
            Writer::Run { fence } => Self::Run(fence),
            Writer::Guest { handovers } => Self::Guest(handovers),
            Writer::Gateway { bump } => Self::Gateway(bump),
            Writer::Client => Self::Client,
        }
    }
}

impl From<Class> for Writer {
    fn from(class: Class) -> Self {
        match class {
            Class::Run(fence) => Self::Run { fence },
            Class::Guest(handovers) => Self::Guest { handovers },
            Class::Gateway(bump) => Self::Gateway { bump },
            Class::Client => Self::Client,
        }
    }
}

impl From<Result<Appended, CommitError>> for Answer {
    fn from(outcome: Result<Appended, CommitError>) -> Self {
        match outcome {
            Ok(Appended { epoch, first, count, timestamp, repeated }) => {
                Self::Landed { epoch, first, count, timestamp, repeated }
            }
            Err(CommitError::Fenced { current }) => Self::Fenced(current),
            Err(CommitError::RecordTooLarge { bytes }) => Self::TooLarge(bytes),
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

impl Answer {
    /// The outcome of [`Question::Boundary`].
    pub fn into_appended(self) -> Result<Appended, CommitError> {
        match self {
            Self::Landed { epoch, first, count, timestamp, repeated } => {
                Ok(Appended { epoch, first, count, timestamp, repeated })
            }
            Self::Fenced(current) => Err(CommitError::Fenced { current }),
            Self::TooLarge(bytes) => Err(CommitError::RecordTooLarge { bytes }),
            Self::Failed(text) => Err(StoreError::Unavailable(text).into()),
            Self::Succeeded { .. } | Self::Said(_) => {
                Err(StoreError::Unavailable("another gateway answered oddly".into()).into())
            }
        }
    }

    /// The outcome of [`Question::Succeed`].
    pub fn into_succession(self) -> Option<(Succession, bool)> {
        match self {
            Self::Succeeded { number, swapped, missing } => {
                Some((Succession { number, swapped }, missing))
            }
            _ => None,
        }
    }
}
