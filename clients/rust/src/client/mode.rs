//! Which transport is to be used.

/// How subscriptions and requests travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// WebSocket, and SSE where that does not work; after a while WebSocket is tried again. With
    /// the feature `http3`, the SSE that stands in goes over HTTP/3 where the gateway offers it
    /// (`Alt-Svc`) and UDP gets through, else over TCP.
    #[default]
    Auto,
    /// The duplex binding over WebSocket, whatever happens.
    WebSocket,
    /// Server-sent events, and appends over HTTP, on TCP.
    Sse,
    /// Server-sent events, and appends over HTTP, on one QUIC connection (HTTP/3) whatever happens.
    /// The gateway's URL has to be an `https` one.
    #[cfg(feature = "http3")]
    Http3,
}

impl Mode {
    /// Is it SSE and nothing else, over whatever HTTP?
    pub(crate) fn is_read(self) -> bool {
        match self {
            Self::Auto | Self::WebSocket => false,
            Self::Sse => true,
            #[cfg(feature = "http3")]
            Self::Http3 => true,
        }
    }
}
