//! Why a socket is at its end.

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

/// Nothing more comes, and nothing more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer said goodbye.
    Closed,
    /// The connection is gone.
    Lost,
    /// A message is larger than the bound.
    TooLarge,
    /// A text message is not UTF-8.
    NotUtf8,
    /// A binary message came where none is taken.
    Binary,
    /// What came is not WebSocket.
    Protocol,
}

impl End {
    /// The close code that RFC 6455 §7.4.1 gives it, with a reason; `None` where there is nobody
    /// left to tell, or nothing to say.
    pub(crate) fn close(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Closed | Self::Lost => None,
            Self::Protocol => Some((1002, "protocol error")),
            Self::Binary => Some((1003, "messages are text")),
            Self::NotUtf8 => Some((1007, "text is UTF-8")),
            Self::TooLarge => Some((1009, "the message is too large")),
        }
    }

    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed => Self::Closed,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Lost,
            Error::Protocol(_) => Self::Protocol,
            Error::Capacity(_) => Self::TooLarge,
            Error::Utf8(_) => Self::NotUtf8,
            _ => Self::Lost,
        }
    }
}
