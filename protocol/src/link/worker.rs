//! Frames of the worker.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::exit::ExitError;
use super::hello::Hello;
use crate::frame::{FrameError, fields, tag, unknown};

/// A frame from the worker. `id` names a piece of work; `seq` numbers its frames (R-LNK-19).
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum WorkerFrame {
    /// Registers; the first frame (R-LNK-2).
    Hello(Hello),
    /// Chunks or records.
    Out(Out),
    /// Inputs were taken into the running answer.
    Injected(Injected),
    /// The answer is whole, or failed.
    Done(Done),
    /// The run booted (R-LNK-26).
    Ready(WorkId),
    /// The run's turn ended.
    TurnDone(TurnDone),
    /// Readers without a cursor start later.
    Trim(Trim),
    /// Stores the transcript.
    Save(Save),
    /// Closes the session.
    Close(Close),
    /// A new run takes over when this one exits.
    EndAndContinue(EndAndContinue),
    /// The run waits for input.
    Parked(Parked),
    /// The run works again.
    Unparked(WorkId),
    /// The run is over.
    Exit(Exit),
    /// A sign of life (R-LNK-12).
    Ping,
    /// No new work (R-LNK-15).
    Drain,
    /// The end of the link (R-LNK-15).
    Bye,
}

/// Just names a piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkId {
    /// The piece of work.
    pub id: String,
}

/// Output (R-LNK-19): `chunks` in mode `turns`, `records` in mode `runs`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Out {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// UI message chunks of the answer, in order; they keep their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunks: Vec<Box<RawValue>>,
    /// Records for `.out`; read with [`super::OutRecord::parse`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Box<RawValue>>,
}

/// Inputs that were taken into the running answer (R-LNK-25).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Injected {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// `.in` seqs.
    pub inputs: Vec<u64>,
}

/// The end of an answer (R-LNK-23).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// Why it failed; the user sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The end of a turn of a run: the gateway writes its boundary (I3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnDone {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// `.in` seq up to which everything is settled; absent if nothing of `.in` is.
    #[serde(default)]
    pub floor: Option<u64>,
    /// Highest `.in` seq that was seen.
    #[serde(default)]
    pub consumed: Option<u64>,
}

/// Moves the replay floor of `.out`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trim {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// The first `.out` seq that readers without a cursor get.
    pub before: u64,
}

/// Stores the transcript, if the run still has its fence (I4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Save {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// The next run's checkpoint.
    pub transcript: String,
}

/// Closes the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// For a person.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Asks for a successor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndAndContinue {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames.
    pub seq: u64,
    /// For a person.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The run waits for input and may be evicted (R-LNK-27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The piece of work.
    pub id: String,
    /// Highest `.in` seq that it has seen.
    #[serde(default)]
    pub seen: Option<u64>,
}

/// The run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The piece of work.
    pub id: String,
    /// Its place among the work's frames, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// It did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ExitError>,
}

impl WorkerFrame {
    /// Reads the text of a message (R-LNK-3).
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        Ok(match &*tag(text)? {
            "hello" => Self::Hello(fields("hello", text)?),
            "out" => Self::Out(fields("out", text)?),
            "injected" => Self::Injected(fields("injected", text)?),
            "done" => Self::Done(fields("done", text)?),
            "ready" => Self::Ready(fields("ready", text)?),
            "turn_done" => Self::TurnDone(fields("turn_done", text)?),
            "trim" => Self::Trim(fields("trim", text)?),
            "save" => Self::Save(fields("save", text)?),
            "close" => Self::Close(fields("close", text)?),
            "end_and_continue" => Self::EndAndContinue(fields("end_and_continue", text)?),
            "parked" => Self::Parked(fields("parked", text)?),
            "unparked" => Self::Unparked(fields("unparked", text)?),
            "exit" => Self::Exit(fields("exit", text)?),
            "ping" => Self::Ping,
            "drain" => Self::Drain,
            "bye" => Self::Bye,
            other => return Err(unknown(other)),
        })
    }

    /// The text of the message.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("frames have string keys only")
    }

    /// The piece of work that it is about.
    pub fn work_id(&self) -> Option<&str> {
        match self {
            Self::Out(Out { id, .. })
            | Self::Injected(Injected { id, .. })
            | Self::Done(Done { id, .. })
            | Self::Ready(WorkId { id })
            | Self::TurnDone(TurnDone { id, .. })
            | Self::Trim(Trim { id, .. })
            | Self::Save(Save { id, .. })
            | Self::Close(Close { id, .. })
            | Self::EndAndContinue(EndAndContinue { id, .. })
            | Self::Parked(Parked { id, .. })
            | Self::Unparked(WorkId { id })
            | Self::Exit(Exit { id, .. }) => Some(id),
            Self::Hello(_) | Self::Ping | Self::Drain | Self::Bye => None,
        }
    }

    /// Its place among the frames of its piece of work.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Out(Out { seq, .. })
            | Self::Injected(Injected { seq, .. })
            | Self::Done(Done { seq, .. })
            | Self::TurnDone(TurnDone { seq, .. })
            | Self::Trim(Trim { seq, .. })
            | Self::Save(Save { seq, .. })
            | Self::Close(Close { seq, .. })
            | Self::EndAndContinue(EndAndContinue { seq, .. }) => Some(*seq),
            Self::Exit(Exit { seq, .. }) => *seq,
            _ => None,
        }
    }
}
