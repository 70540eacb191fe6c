//! The base URL of a gateway, and a connection to it.

use std::io;
use std::pin::Pin;

use http::Uri;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection's bytes, encrypted or not.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

/// Where the gateway is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) secure: bool,
    /// As the URL has it.
    pub(crate) authority: String,
    /// Path before every path, without a slash at its end.
    pub(crate) base: String,
}

impl Target {
    /// Reads a base URL (`http`, `https`, `ws` or `wss`); `None` if it is none.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        Some(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            secure,
            authority: authority.as_str().to_owned(),
            base: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// A connection, and whether HTTP/2 was chosen on it. `tls` is what encrypts it, if anything.
    pub(crate) async fn open(
        &self,
        tls: Option<&TlsConnector>,
    ) -> io::Result<(Pin<Box<dyn Io>>, bool)> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = tls else { return Ok((Box::pin(stream), false)) };
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let stream = tls.connect(name, stream).await?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Box::pin(stream), is_h2))
    }
}
