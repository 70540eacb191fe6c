//! Frames of the gateway.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::frame::{FrameError, fields, tag};
use crate::record::Record;
use crate::shown::{push_records, push_u64};
use crate::sse::batch::RecordJson;

/// A frame from the gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum GatewayFrame {
    /// The connection is open (R-DPX-4).
    Welcome(Welcome),
    /// A request was carried out.
    Ack(Acked),
    /// The stream of a subscription begins (R-DPX-3).
    Stream {
        /// The subscription.
        id: u64,
    },
    /// Records (R-DPX-17).
    Batch {
        /// The subscription.
        id: u64,
        /// In order of seq.
        records: Vec<Record>,
    },
    /// Records can't be delivered any more (R-DPX-18).
    Gap(Gap),
    /// Wants a `pong` (R-DPX-20).
    Ping(Pulse),
    /// Answers a `ping`.
    Pong(Pulse),
    /// A refusal, or an end (R-DPX-22).
    Error(ErrorFrame),
    /// The gateway drains (R-DPX-24).
    Goaway {
        /// When to open another connection, ms.
        reconnect_ms: u64,
    },
    /// Of a later version; its type (R-DPX-2).
    Unknown(String),
}

/// Facts of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Its name, for logs.
    pub connection: String,
    /// The version of these frames.
    pub protocol: u32,
    /// Unix ms.
    pub now: u64,
    /// When the connection's credential ends, Unix ms.
    pub expires_at: Option<u64>,
    /// How long the gateway is silent at most.
    pub ping_ms: u64,
    /// How long the client may be.
    pub silence_ms: u64,
    /// How many subscriptions there may be.
    pub subscriptions: usize,
    /// How large a frame may be.
    pub frame_bytes: usize,
}

/// The answer to a request; which fields it has follows from the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// The request.
    pub id: u64,
    /// Of an append: the record's seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Of an append: does it wait for a version that no worker has (R-RUNS-16)?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending_version: bool,
    /// Of a subscription: first seq that can come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Of a subscription: the seq that the next record of the stream will get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
    /// Of a subscription: the store's epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Of a subscription that asked: is the session settled?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<bool>,
    /// Of `auth`: when the credential ends, Unix ms; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// Records `from` to `to` - 1 can't be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The subscription.
    pub id: u64,
    /// First seq that is missing.
    pub from: u64,
    /// First seq that is there.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
}

/// Why records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// They were kept long enough.
    Retention,
    /// The store lost them.
    Epoch,
}

/// A sign of life (R-DPX-20).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Of the `ping` that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<i64>,
    /// Unix ms.
    #[serde(default)]
    pub now: u64,
    /// The tail of each subscription.
    #[serde(default)]
    pub tails: BTreeMap<u64, u64>,
}

/// A refusal, or an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// The request or subscription; absent: the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Of the registry (`spec/v1/errors.md`).
    pub code: Cow<'static, str>,
    /// For a person.
    pub message: Cow<'static, str>,
    /// What is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<Cow<'static, str>>,
    /// May the same succeed later?
    #[serde(default)]
    pub retry: bool,
    /// With `session_closed`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_reason: Option<String>,
}

impl ErrorFrame {
    /// `error`, about the request or subscription `id`, or the connection.
    pub fn new(id: Option<u64>, error: ApiError) -> Self {
        Self {
            id,
            code: Cow::Borrowed(error.code.as_str()),
            retry: error.code.retryable(),
            message: error.message,
            param: error.param,
            closed_reason: error.closed_reason,
        }
    }
}

/// The end of a `batch` frame, after its records.
pub const BATCH_END: &[u8] = b"]}";

/// The beginning of a `batch` frame of the subscription `id`. Its records follow as JSON with
/// commas between them (see [`crate::sse::encode::records_of`]), then [`BATCH_END`].
pub fn batch_head(id: u64) -> Bytes {
    let mut head = Vec::with_capacity(48);
    head.extend_from_slice(br#"{"t":"batch","id":"#);
    push_u64(&mut head, id);
    head.extend_from_slice(br#","records":["#);
    head.into()
}

impl GatewayFrame {
    /// Reads the text of a frame.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        Ok(match &*tag(text)? {
            "welcome" => Self::Welcome(fields("welcome", text)?),
            "ack" => Self::Ack(fields("ack", text)?),
            "stream" => Self::Stream { id: fields::<Id>("stream", text)?.id },
            "batch" => {
                let Batch { id, records } = fields("batch", text)?;
                Self::Batch { id, records: records.into_iter().map(Record::from).collect() }
            }
            "gap" => Self::Gap(fields("gap", text)?),
            "ping" => Self::Ping(fields("ping", text)?),
            "pong" => Self::Pong(fields("pong", text)?),
            "error" => Self::Error(fields("error", text)?),
            "goaway" => {
                Self::Goaway { reconnect_ms: fields::<Goaway>("goaway", text)?.reconnect_ms }
            }
            unknown => Self::Unknown(unknown.to_owned()),
        })
    }

    /// The text of the frame.
    pub fn to_json(&self) -> String {
        let text = match self {
            Self::Welcome(welcome) => tagged("welcome", welcome),
            Self::Ack(acked) => tagged("ack", acked),
            Self::Stream { id } => tagged("stream", &Id { id: *id }),
            Self::Batch { id, records } => {
                let records = records_json(records, None);
                let frame = [&batch_head(*id), &*records, BATCH_END].concat();
                Ok(String::from_utf8(frame).expect("records are shown as text"))
            }
            Self::Gap(gap) => tagged("gap", gap),
            Self::Ping(pulse) => tagged("ping", pulse),
            Self::Pong(pulse) => tagged("pong", pulse),
            Self::Error(error) => tagged("error", error),
            Self::Goaway { reconnect_ms } => {
                tagged("goaway", &Goaway { reconnect_ms: *reconnect_ms })
            }
            Self::Unknown(kind) => tagged(kind, &()),
        };
        text.expect("frames have string keys only")
    }
}

/// `records` as JSON with commas between them; every boundary also gets `token` (R-VIEW-3).
pub fn records_json(records: &[Record], token: Option<&str>) -> Bytes {
    let mut out = Vec::new();
    push_records(&mut out, records, token);
    out.into()
}

fn tagged(t: &str, fields: &impl Serialize) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Tagged<'a, T: Serialize> {
        t: &'a str,
        #[serde(flatten)]
        fields: &'a T,
    }
    serde_json::to_string(&Tagged { t, fields })
}

#[derive(Serialize, Deserialize)]
struct Id {
    id: u64,
}

#[derive(Serialize, Deserialize)]
struct Goaway {
    #[serde(default)]
    reconnect_ms: u64,
}

#[derive(Deserialize)]
struct Batch {
    id: u64,
    records: Vec<RecordJson>,
}
