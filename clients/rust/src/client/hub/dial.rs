//! One WebSocket to the gateway (R-DPX-1).

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tidegate_protocol::duplex::{PATH, SUBPROTOCOL};
use tidegate_protocol::limits::{DUPLEX_FRAME_MAX_BYTES, RECORD_MAX_BYTES};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::client::error::Error;
use crate::net::{Io, Target};

/// How long a connection may take to stand.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest batch: JSON may write a record longer than it is.
const BATCH_MAX_BYTES: usize = if 16 * RECORD_MAX_BYTES > DUPLEX_FRAME_MAX_BYTES {
    16 * RECORD_MAX_BYTES
} else {
    DUPLEX_FRAME_MAX_BYTES
};

/// An open connection.
pub(super) type Socket = WebSocketStream<Pin<Box<dyn Io>>>;

/// Where connections go.
pub(crate) struct Dialer {
    target: Arc<Target>,
    tls: Option<TlsConnector>,
    url: String,
}

impl Dialer {
    pub(crate) fn new(target: Arc<Target>, tls: Option<TlsConnector>) -> Self {
        let scheme = if target.secure { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}{PATH}", target.authority, target.base);
        Self { target, tls, url }
    }

    /// Connects and upgrades. Errors that say `retry` may pass.
    pub(super) async fn dial(&self) -> Result<Socket, Error> {
        match timeout(DIAL_TIMEOUT, self.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::unreachable("the gateway did not answer in time")),
        }
    }

    async fn connect(&self) -> Result<Socket, Error> {
        let opened = self.target.open(self.tls.as_ref()).await;
        let (io, _) = opened.map_err(|error| Error::unreachable(error.to_string()))?;
        let mut request = self.url.as_str().into_client_request().map_err(refused)?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let config = WebSocketConfig::default()
            .max_message_size(Some(BATCH_MAX_BYTES))
            .max_frame_size(Some(BATCH_MAX_BYTES));
        let connected = client_async_with_config(request, io, Some(config)).await;
        connected.map(|(socket, _)| socket).map_err(refused)
    }
}

fn refused(error: tungstenite::Error) -> Error {
    let tungstenite::Error::Http(response) = error else {
        return Error::unreachable(error.to_string());
    };
    let retry = response.headers().get("x-should-retry").and_then(|value| value.to_str().ok());
    let body = response.body().as_deref().unwrap_or_default();
    Error::from_answer(response.status().as_u16(), retry, body)
}
