//! Which transport is to be used.

/// How subscriptions and appends travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// WebSocket, and SSE where that does not work; after a while WebSocket is tried again.
    #[default]
    Auto,
    /// The duplex binding over WebSocket, whatever happens.
    WebSocket,
    /// Server-sent events, and appends over HTTP.
    Sse,
}
