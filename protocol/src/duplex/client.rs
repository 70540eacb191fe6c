//! Frames of the client.

use serde::{Deserialize, Serialize};

use super::ID_MAX;
use crate::cursor::{SEQ_MAX, Start};
use crate::frame::{FrameError, fields, tag, unknown};
use crate::ids::{Channel, Direction};

/// A frame from the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame (R-DPX-4).
    Hello(Hello),
    /// Sets a credential (R-DPX-8).
    Auth(Auth),
    /// Follows a stream (R-DPX-11).
    Subscribe(Subscribe),
    /// Ends a subscription (R-DPX-16).
    Unsubscribe(Unsubscribe),
    /// Appends a record (R-DPX-14).
    Append(Append),
    /// Everything up to `seq` of a subscription was taken in (R-DPX-19).
    Ack {
        /// The subscription.
        id: u64,
        /// Highest seq.
        seq: u64,
    },
    /// Wants a `pong` (R-DPX-20).
    Ping {
        /// Comes back.
        #[serde(default)]
        n: i64,
    },
    /// Answers a `ping`, or is a sign of life.
    Pong,
}

/// Opens the conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// A secret key or a token; absent where the handshake had one, or each session gets its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A credential from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// Names the request.
    pub id: u64,
    /// The session that it is for; absent means the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// A secret key or a token.
    pub token: String,
}

/// Which stream to follow, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribe {
    /// Names the request, then the subscription.
    pub id: u64,
    /// The session, in either form.
    pub session: String,
    /// `in` or `out`, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// A side channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// The cursor: the last seq that the client has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Instead of it: the first seq that is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Without either: `floor`, which is the default, or `latest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Metered bytes that may be unacknowledged; absent is without such a limit (R-DPX-13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
    /// Is the session settled?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub peek: bool,
}

/// Ends a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// The subscription.
    pub id: u64,
}

/// One record to append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// Names the request.
    pub id: u64,
    /// The session, in either form.
    pub session: String,
    /// `in`, which is the default, or `out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// A side channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// The part id: a repeat is recognised by it (R-APP-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What the body of the HTTP request would be.
    pub body: String,
}

/// A field of a request has a value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FieldError {
    /// The field.
    pub field: &'static str,
    /// What is allowed.
    pub message: &'static str,
}

impl ClientFrame {
    /// Reads the text of a frame.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let frame = match &*tag(text)? {
            "hello" => Self::Hello(fields("hello", text)?),
            "auth" => Self::Auth(fields("auth", text)?),
            "subscribe" => Self::Subscribe(fields("subscribe", text)?),
            "unsubscribe" => Self::Unsubscribe(fields("unsubscribe", text)?),
            "append" => Self::Append(fields("append", text)?),
            "ack" => {
                let Ack { id, seq } = fields("ack", text)?;
                Self::Ack { id, seq }
            }
            "ping" => Self::Ping { n: fields::<Ping>("ping", text)?.n },
            "pong" => Self::Pong,
            other => return Err(unknown(other)),
        };
        match frame.id() {
            Some((frame, id)) if id > ID_MAX => {
                Err(FrameError::Fields { frame, reason: "`id` is at most 2^53 - 1".to_owned() })
            }
            _ => Ok(frame),
        }
    }

    /// The text of the frame.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("frames have string keys only")
    }

    fn id(&self) -> Option<(&'static str, u64)> {
        match self {
            Self::Auth(auth) => Some(("auth", auth.id)),
            Self::Subscribe(subscribe) => Some(("subscribe", subscribe.id)),
            Self::Unsubscribe(unsubscribe) => Some(("unsubscribe", unsubscribe.id)),
            Self::Append(append) => Some(("append", append.id)),
            Self::Ack { id, .. } => Some(("ack", *id)),
            Self::Hello(_) | Self::Ping { .. } | Self::Pong => None,
        }
    }
}

impl Subscribe {
    /// The channel that it names.
    pub fn channel(&self) -> Result<Channel, FieldError> {
        channel(self.channel.as_deref().unwrap_or("out"), self.side.as_deref())
    }

    /// Where it starts.
    pub fn start(&self) -> Result<Start, FieldError> {
        match (self.after, self.from, self.start.as_deref()) {
            (Some(after), None, _) if after <= SEQ_MAX => Ok(Start::after(after)),
            (None, Some(from), _) if from <= SEQ_MAX => Ok(Start::From(from)),
            (Some(_), None, _) => Err(FieldError { field: "after", message: "it is a seq_num" }),
            (_, Some(_), _) => Err(FieldError {
                field: "from",
                message: "it is a seq_num, and instead of `after`",
            }),
            (None, None, None | Some("floor")) => Ok(Start::Floor),
            (None, None, Some("latest")) => Ok(Start::Tail),
            (None, None, Some(_)) => {
                Err(FieldError { field: "start", message: "`start` is `floor` or `latest`" })
            }
        }
    }
}

impl Append {
    /// The channel that it names.
    pub fn channel(&self) -> Result<Channel, FieldError> {
        channel(self.channel.as_deref().unwrap_or("in"), self.side.as_deref())
    }
}

fn channel(direction: &str, side: Option<&str>) -> Result<Channel, FieldError> {
    let message = "`channel` is `in` or `out`";
    let direction = Direction::parse(direction).ok_or(FieldError { field: "channel", message })?;
    match side {
        None => Ok(Channel { side: None, direction }),
        Some(side) => Channel::side(side, direction).ok_or(FieldError {
            field: "side",
            message: "a side channel's name has 1 to 128 of A-Z a-z 0-9 . _ -",
        }),
    }
}

#[derive(Deserialize)]
struct Ack {
    id: u64,
    seq: u64,
}

#[derive(Deserialize)]
struct Ping {
    #[serde(default)]
    n: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscribe(text: &str) -> Subscribe {
        match ClientFrame::parse(text).expect("a frame") {
            ClientFrame::Subscribe(subscribe) => subscribe,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_may_be_absent_and_what_may_be_more() {
        let short = subscribe(r#"{"t":"subscribe","id":1,"session":"c","new":[1]}"#);
        assert_eq!(short.channel(), Ok(Channel::OUT));
        assert_eq!(short.start(), Ok(Start::Floor));
        let text = r#"{"t":"append","id":1,"session":"c","body":""}"#;
        let Ok(ClientFrame::Append(append)) = ClientFrame::parse(text) else { panic!("{text}") };
        assert_eq!(append.channel(), Ok(Channel::IN));
        assert_eq!(ClientFrame::parse(r#"{"t":"ping"}"#), Ok(ClientFrame::Ping { n: 0 }));
    }

    #[test]
    fn a_cursor_goes_before_a_start() {
        let both = r#"{"t":"subscribe","id":1,"session":"c","after":0,"start":"latest"}"#;
        assert_eq!(subscribe(both).start(), Ok(Start::From(1)));
        let first = r#"{"t":"subscribe","id":1,"session":"c","from":0}"#;
        assert_eq!(subscribe(first).start(), Ok(Start::From(0)));
        let two = r#"{"t":"subscribe","id":1,"session":"c","after":3,"from":4}"#;
        assert_eq!(subscribe(two).start().expect_err("both").field, "from");
        let beyond = r#"{"t":"subscribe","id":1,"session":"c","after":9007199254740992}"#;
        assert_eq!(subscribe(beyond).start().expect_err("too large").field, "after");
        let wrong = r#"{"t":"subscribe","id":1,"session":"c","start":"now","side":"a/b"}"#;
        assert_eq!(subscribe(wrong).start().expect_err("unknown").field, "start");
        assert_eq!(subscribe(wrong).channel().expect_err("no name").field, "side");
    }
}
