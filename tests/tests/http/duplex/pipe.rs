//! What carries the frames of a client by hand: a WebSocket, or a WebTransport session.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tidegate_protocol::duplex::{PATH, SUBPROTOCOL};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::duplex::streams::Streams;

/// Code and reason of an end; `None`: the connection was cut.
pub(crate) type End = Option<(u16, String)>;

/// See the module.
pub(crate) enum Pipe {
    Socket(Box<WebSocketStream<TcpStream>>),
    Session(Box<Streams>),
}

impl Pipe {
    /// Upgrades; the status and body of a refusal, or 0 where nobody answers.
    pub(crate) async fn socket(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (u16, Value)> {
        let url = format!("ws://{address}{PATH}");
        let mut request = url.into_client_request().expect("a URL");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let Ok(stream) = TcpStream::connect(address).await else { return Err((0, Value::Null)) };
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self::Socket(Box::new(socket))),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let json = serde_json::from_slice(body).unwrap_or(Value::Null);
                Err((response.status().as_u16(), json))
            }
            Err(_) => Err((0, Value::Null)),
        }
    }

    /// One that was asked for with the right subprotocol.
    pub(crate) async fn plain_socket(address: SocketAddr) -> Option<Self> {
        Self::socket(address, &[("sec-websocket-protocol", SUBPROTOCOL)]).await.ok()
    }

    /// A session; its first frame is yet to come.
    pub(crate) async fn session(address: SocketAddr) -> Self {
        Self::Session(Box::new(Streams::open(address).await))
    }

    /// A failure shows when an answer is read.
    pub(crate) async fn send(&mut self, message: Message) {
        match self {
            Self::Socket(socket) => _ = socket.send(message).await,
            Self::Session(streams) => streams.send(&message.into_data()).await,
        }
    }

    /// The next frame, or the end.
    pub(crate) async fn next(&mut self) -> Result<String, End> {
        match self {
            Self::Session(streams) => streams.next().await,
            Self::Socket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                    Some(Ok(Message::Close(close))) => {
                        return Err(close.map(|end| (end.code.into(), end.reason.to_string())));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            },
        }
    }
}
