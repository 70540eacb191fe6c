//! Frames over a WebSocket.

use std::io;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tidegate_protocol::duplex::{PATH, SUBPROTOCOL};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::duplex::Pipe;
use super::wire::Io;

/// See the module.
#[derive(Debug)]
pub(super) struct Socket<S>(WebSocketStream<S>);

impl<S: Io> Socket<S> {
    /// Upgrades.
    pub(super) async fn open(stream: S) -> io::Result<Self> {
        let url = format!("ws://localhost{PATH}");
        let mut request = url.into_client_request().map_err(io::Error::other)?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let (socket, _) = client_async(request, stream).await.map_err(io::Error::other)?;
        Ok(Self(socket))
    }
}

impl<S: Io> Pipe for Socket<S> {
    async fn next(&mut self) -> io::Result<Bytes> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.into()),
                Some(Ok(Message::Close(end))) => {
                    return Err(io::Error::other(format!("the socket was closed: {end:?}")));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Err(io::Error::other("the socket ended")),
            }
        }
    }

    async fn send(&mut self, frames: &[String]) -> io::Result<()> {
        for frame in frames {
            self.0.feed(Message::text(frame)).await.map_err(io::Error::other)?;
        }
        self.0.flush().await.map_err(io::Error::other)
    }
}
