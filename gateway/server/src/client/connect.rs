//! One connection for one request: the commands make few.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::tls::connector;
use super::url::Base;

pub(super) type Sender = SendRequest<Empty<Bytes>>;

/// Connects; the error says why not.
pub(super) async fn connect(base: &Base) -> Result<Sender, String> {
    let tcp = TcpStream::connect((base.bare_host(), base.port)).await;
    let tcp = tcp.map_err(|error| error.to_string())?;
    if !base.tls {
        return start(tcp).await;
    }
    let name = ServerName::try_from(base.bare_host().to_owned());
    let name = name.map_err(|error| error.to_string())?;
    let tls = connector().connect(name, tcp).await.map_err(|error| error.to_string())?;
    start(tls).await
}

async fn start<S>(socket: S) -> Result<Sender, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        handshake(TokioIo::new(socket)).await.map_err(|error| error.to_string())?;
    // Ends with the body that the caller reads; its failure is the body's failure too.
    tokio::spawn(connection);
    Ok(sender)
}
