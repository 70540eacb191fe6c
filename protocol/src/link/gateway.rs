//! Frames of the gateway.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::boot::BootFrame;
use super::exit::Cause;
use super::records;
use super::turn::{HandoverFrame, TurnFrame};
use super::welcome::Welcome;
use crate::error::ErrorCode;
use crate::frame::{FrameError, fields, tag, unknown};
use crate::record::Record;

/// A frame from the gateway.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum GatewayFrame {
    /// The worker is taken in (R-LNK-2).
    Welcome(Welcome),
    /// One answer is wanted (mode `turns`).
    Turn(Box<TurnFrame>),
    /// What became of the first step of a turn with `head_start` (R-HDS-23).
    Handover(Box<HandoverFrame>),
    /// A run is handed over (modes `runs` and `http`).
    Boot(Box<BootFrame>),
    /// `.in` records.
    In(Inputs),
    /// Frames are committed (R-LNK-19).
    Ack(Ack),
    /// Work is taken away.
    Cancel(Cancel),
    /// A parked run must leave (R-LNK-27).
    Evict(Evict),
    /// Answers `ping` (R-LNK-12).
    Pong,
    /// The gateway drains (R-LNK-16).
    Goaway(Goaway),
    /// Something was refused.
    Error(ErrorFrame),
}

/// `.in` records for a piece of work, as the SSE binding shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The piece of work.
    pub id: String,
    /// In order of seq.
    #[serde(with = "records")]
    pub records: Vec<Record>,
}

/// Everything up to `seq` is committed (R-LNK-19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The piece of work.
    pub id: String,
    /// Highest seq.
    pub seq: u64,
}

/// Nothing of the work is taken any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The piece of work.
    pub id: String,
    /// Why.
    pub reason: Cause,
}

/// Exit cleanly, in time (R-LNK-27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evict {
    /// The piece of work.
    pub id: String,
    /// It is cancelled after this, ms.
    pub deadline_ms: u64,
}

/// The gateway drains (R-LNK-16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goaway {
    /// When to connect again after the connection ended, ms.
    pub reconnect_ms: u64,
}

/// A refusal, about a piece of work or the whole link (R-LNK-3, R-LNK-8, R-LNK-19 to R-LNK-22).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// The piece of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The frame at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Of the registry (`spec/v1/errors.md`).
    pub code: Cow<'static, str>,
    /// For a person.
    pub message: String,
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Of the registry.
    pub code: ErrorCode,
    /// For a person.
    pub message: String,
}

impl Refusal {
    /// A refusal with a text for a person.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl GatewayFrame {
    /// `.in` records for the work `id`.
    pub fn inputs(id: &str, records: Vec<Record>) -> Self {
        Self::In(Inputs { id: id.to_owned(), records })
    }

    /// The work's frames up to `seq` are committed.
    pub fn ack(id: &str, seq: u64) -> Self {
        Self::Ack(Ack { id: id.to_owned(), seq })
    }

    /// Takes the work away.
    pub fn cancel(id: &str, reason: Cause) -> Self {
        Self::Cancel(Cancel { id: id.to_owned(), reason })
    }

    /// Tells a parked run to leave.
    pub fn evict(id: &str, deadline_ms: u64) -> Self {
        Self::Evict(Evict { id: id.to_owned(), deadline_ms })
    }

    /// Refuses a frame, or the link.
    pub fn error(id: Option<&str>, seq: Option<u64>, refusal: Refusal) -> Self {
        let code = Cow::Borrowed(refusal.code.as_str());
        Self::Error(ErrorFrame { id: id.map(str::to_owned), seq, code, message: refusal.message })
    }

    /// Reads the text of a message.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        Ok(match &*tag(text)? {
            "welcome" => Self::Welcome(fields("welcome", text)?),
            "turn" => Self::Turn(fields("turn", text)?),
            "handover" => Self::Handover(fields("handover", text)?),
            "boot" => Self::Boot(fields("boot", text)?),
            "in" => Self::In(fields("in", text)?),
            "ack" => Self::Ack(fields("ack", text)?),
            "cancel" => Self::Cancel(fields("cancel", text)?),
            "evict" => Self::Evict(fields("evict", text)?),
            "pong" => Self::Pong,
            "goaway" => Self::Goaway(fields("goaway", text)?),
            "error" => Self::Error(fields("error", text)?),
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
            Self::Turn(turn) => Some(&turn.id),
            Self::Handover(handover) => Some(&handover.id),
            Self::Boot(boot) => Some(&boot.id),
            Self::In(Inputs { id, .. })
            | Self::Ack(Ack { id, .. })
            | Self::Cancel(Cancel { id, .. })
            | Self::Evict(Evict { id, .. }) => Some(id),
            Self::Error(error) => error.id.as_deref(),
            Self::Welcome(_) | Self::Pong | Self::Goaway(_) => None,
        }
    }
}
