//! The transports.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// How a reader gets its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// SSE over HTTP/1.1, without TLS.
    Sse1,
    /// SSE over HTTP/2 and TLS.
    Sse2,
    /// SSE over HTTP/3.
    Sse3,
    /// The duplex binding over a WebSocket, without TLS.
    Socket,
    /// The same with TLS.
    SecureSocket,
    /// The duplex binding over WebTransport.
    Session,
}

impl Via {
    /// All of them; ratios are to the first.
    pub const ALL: [Self; 6] =
        [Self::Sse1, Self::Sse2, Self::Sse3, Self::Socket, Self::SecureSocket, Self::Session];

    /// Can one connection carry several reads?
    pub fn is_shared(self) -> bool {
        self != Self::Sse1
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sse1 => "SSE, HTTP/1.1",
            Self::Sse2 => "SSE, HTTP/2 + TLS",
            Self::Sse3 => "SSE, HTTP/3",
            Self::Socket => "WebSocket",
            Self::SecureSocket => "WebSocket + TLS",
            Self::Session => "WebTransport",
        })
    }
}
