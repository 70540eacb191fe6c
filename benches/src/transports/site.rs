//! The addresses of a gateway, and how they are dialled.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, TransportConfig, VarInt};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::{self, RootCertStore, version};

use super::wire::{Counted, Counter, Io};
use crate::target::{CERT, Target};

/// The name in the certificate.
const HOST: &str = "localhost";
/// What requests name where TLS is spoken.
pub(super) const ORIGIN: &str = "https://localhost";
/// Subscriptions that a connection may have, and some room.
const STREAMS_MAX: u32 = 512;

/// Does a client that comes back show its ticket?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tickets {
    /// Every handshake is a full one.
    Never,
    /// Where it has one.
    Always,
}

/// See the module. Each transport of a site keeps tickets of its own.
#[derive(Debug)]
pub struct Site {
    /// Of the plain listener.
    pub(super) plain: SocketAddr,
    secure: SocketAddr,
    http1: Arc<rustls::ClientConfig>,
    http2: Arc<rustls::ClientConfig>,
    endpoint: Endpoint,
}

impl Site {
    /// Of a gateway that was started with TLS.
    pub fn new(target: &Target, tickets: Tickets) -> io::Result<Self> {
        let parse = |address: &str| address.parse().map_err(io::Error::other);
        let crypto = QuicClientConfig::try_from(tls(b"h3", tickets)?).map_err(io::Error::other)?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        let mut transport = TransportConfig::default();
        transport.max_concurrent_uni_streams(VarInt::from_u32(STREAMS_MAX));
        config.transport_config(Arc::new(transport));
        let mut endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into())?;
        endpoint.set_default_client_config(config);
        let secure = target.secure.as_deref();
        let secure =
            secure.ok_or_else(|| io::Error::other("the target was started without TLS"))?;
        Ok(Self {
            plain: parse(&target.address)?,
            secure: parse(secure)?,
            http1: Arc::new(tls(b"http/1.1", tickets)?),
            http2: Arc::new(tls(b"h2", tickets)?),
            endpoint,
        })
    }

    /// TCP alone.
    pub(super) async fn tcp(&self) -> io::Result<(Counted, Counter)> {
        Ok(Counted::new(dial(self.plain).await?))
    }

    /// TLS for HTTP/1.1.
    pub(super) async fn tls1(&self) -> io::Result<(impl Io, Counter)> {
        self.tls(&self.http1).await
    }

    /// TLS for HTTP/2.
    pub(super) async fn tls2(&self) -> io::Result<(impl Io, Counter)> {
        self.tls(&self.http2).await
    }

    async fn tls(&self, config: &Arc<rustls::ClientConfig>) -> io::Result<(impl Io, Counter)> {
        let (stream, counter) = Counted::new(dial(self.secure).await?);
        let name = ServerName::try_from(HOST).map_err(io::Error::other)?;
        Ok((TlsConnector::from(config.clone()).connect(name, stream).await?, counter))
    }

    pub(super) async fn quic(&self) -> io::Result<Connection> {
        let connecting = self.endpoint.connect(self.secure, HOST).map_err(io::Error::other)?;
        connecting.await.map_err(io::Error::other)
    }
}

async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn tls(alpn: &[u8], tickets: Tickets) -> io::Result<rustls::ClientConfig> {
    let certificate = CertificateDer::from_pem_slice(CERT).map_err(io::Error::other)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(io::Error::other)?;
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    if tickets == Tickets::Never {
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}
