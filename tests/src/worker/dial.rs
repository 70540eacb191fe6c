//! A WebSocket to the gateway, without TLS.

use http::HeaderValue;
use tidegate_protocol::link::{PATH, SUBPROTOCOL};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

pub(super) type Socket = WebSocketStream<TcpStream>;

/// Opens the link at `address` (`host:port`).
pub(super) async fn dial(address: &str, key: &str) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}{PATH}").into_client_request()?;
    let bearer = HeaderValue::try_from(format!("Bearer {key}")).expect("keys are ASCII");
    request.headers_mut().insert("authorization", bearer);
    let subprotocol = HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert("sec-websocket-protocol", subprotocol);
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(client_async(request, stream).await?.0)
}
