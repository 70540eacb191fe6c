//! One connection to the gateway, up to the WebSocket (R-LNK-1).

use std::pin::Pin;
use std::time::Duration;

use http::header::{AUTHORIZATION, HOST, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderValue, Request, StatusCode};
use tidegate_protocol::limits::LINK_FRAME_MAX_BYTES;
use tidegate_protocol::link::{PATH, SUBPROTOCOL};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::error::WorkerError;
use crate::net::{Io, Target, connector};

/// How long a connection may take to stand.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that are read at once, and that are collected before they are written.
const BUFFER_BYTES: usize = 64 * 1024;
/// Statuses that another try may change.
const PASSING: [StatusCode; 3] =
    [StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS];

/// An open link.
pub(crate) type Socket = WebSocketStream<Pin<Box<dyn Io>>>;

/// Where the gateway is, and what opens it.
pub(crate) struct Address {
    target: Target,
    tls: Option<TlsConnector>,
    request: Request<()>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// Another try may do better.
    #[error("{0}")]
    Passing(String),
    /// It won't.
    #[error(transparent)]
    Final(WorkerError),
}

impl Address {
    /// The link of `worker` to the gateway at `url`, a base URL. By the id, balancers lead a worker
    /// that comes back to the gateway that holds its work (R-LNK-29).
    pub(crate) fn new(url: &str, key: &str, worker: &str) -> Result<Self, WorkerError> {
        let bad = || WorkerError::Url(url.to_owned());
        let target = Target::parse(url).ok_or_else(bad)?;
        let scheme = if target.secure { "wss" } else { "ws" };
        let (authority, base) = (&target.authority, &target.base);
        let link = format!("{scheme}://{authority}{base}{PATH}?worker={worker}");
        let mut request = link.into_client_request().map_err(|_| bad())?;
        let bearer =
            HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| WorkerError::Key)?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        headers.insert(HOST, HeaderValue::from_str(authority).map_err(|_| bad())?);
        let connector = || connector(&[b"http/1.1"], &[]).map_err(WorkerError::Tls);
        let tls = target.secure.then(connector).transpose()?;
        Ok(Self { target, tls, request })
    }
}

/// Connects and upgrades.
pub(crate) async fn dial(address: &Address) -> Result<Socket, DialError> {
    match timeout(DIAL_TIMEOUT, connect(address)).await {
        Ok(connected) => connected,
        Err(_) => Err(DialError::Passing("the gateway did not answer in time".to_owned())),
    }
}

async fn connect(address: &Address) -> Result<Socket, DialError> {
    let opened = address.target.open(address.tls.as_ref()).await;
    let (io, _) = opened.map_err(|error| DialError::Passing(error.to_string()))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(LINK_FRAME_MAX_BYTES))
        .max_frame_size(Some(LINK_FRAME_MAX_BYTES));
    // Each try needs a key of its own (RFC 6455 §4.1).
    let mut request = address.request.uri().into_client_request().map_err(refused)?;
    for (name, value) in address.request.headers() {
        if name != http::header::SEC_WEBSOCKET_KEY {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let connected = client_async_with_config(request, io, Some(config)).await;
    connected.map(|(socket, _)| socket).map_err(refused)
}

fn refused(error: Error) -> DialError {
    let Error::Http(response) = error else { return DialError::Passing(error.to_string()) };
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let message = String::from_utf8_lossy(body).into_owned();
    if status.is_client_error() && !PASSING.contains(&status) {
        return DialError::Final(WorkerError::Rejected { status: status.as_u16(), message });
    }
    DialError::Passing(format!("the gateway answered {status}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        let address = |url| {
            Address::new(url, "k", "w").map(|a| {
                let target = a.request.uri().path_and_query().expect("a path").to_string();
                (a.target.host, a.target.port, target)
            })
        };
        let link = format!("{PATH}?worker=w");
        assert_eq!(address("http://h:1").unwrap(), ("h".to_owned(), 1, link.clone()));
        assert_eq!(address("ws://[::1]:2/").unwrap(), ("::1".to_owned(), 2, link.clone()));
        assert_eq!(
            address("https://h/base/").unwrap(),
            ("h".to_owned(), 443, format!("/base{link}"))
        );
        for bad in ["", "h", "ftp://h", "http://", "/x"] {
            assert!(matches!(address(bad), Err(WorkerError::Url(_))), "{bad}");
        }
        assert!(matches!(Address::new("http://h", "a\nb", "w"), Err(WorkerError::Key)));
    }
}
