//! QUIC connections to the gateway, on the UDP port with the number of its TLS port (R-H3-1).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_ok;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, TransportConfig, VarInt};
use rustls_pki_types::CertificateDer;
use tokio::net::lookup_host;
use tokio::time::sleep;

use super::target::Target;
use super::tls;

/// A path on which nothing comes for so long is gone.
const SILENCE: Duration = Duration::from_secs(6);
/// How often something comes: the gateway answers what is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// What the gateway may send ahead of a reader.
const STREAM_WINDOW: u32 = 256 * 1024;
/// How much later the next address is tried.
const STAGGER: Duration = Duration::from_millis(250);

/// See the module.
pub(crate) struct Quic {
    target: Arc<Target>,
    config: ClientConfig,
}

impl Quic {
    /// Trusts what connections over TCP trust. The error says why there is none.
    pub(crate) fn new(
        target: Arc<Target>,
        more: &[CertificateDer<'static>],
    ) -> Result<Self, String> {
        let tls = tls::config(&[b"h3"], more)?;
        let tls = QuicClientConfig::try_from(tls).map_err(|error| error.to_string())?;
        let silence = SILENCE.try_into().map_err(|_| "no such time".to_owned())?;
        let mut transport = TransportConfig::default();
        transport
            .max_idle_timeout(Some(silence))
            .keep_alive_interval(Some(KEEP_ALIVE))
            .stream_receive_window(VarInt::from_u32(STREAM_WINDOW));
        let mut config = ClientConfig::new(Arc::new(tls));
        config.transport_config(Arc::new(transport));
        Ok(Self { target, config })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// A connection: over the first address of the host that answers.
    pub(crate) async fn dial(&self) -> io::Result<Connection> {
        let host = (self.target.host.as_str(), self.target.port);
        let addresses = lookup_host(host).await?.zip(0_u32..);
        let dials = addresses.map(|(address, nth)| Box::pin(self.dial_one(address, STAGGER * nth)));
        let dials: Vec<_> = dials.collect();
        if dials.is_empty() {
            return Err(io::Error::other("the host has no address"));
        }
        select_ok(dials).await.map(|(connection, _)| connection)
    }

    /// From a socket of its own: one that is as old as the network may have changed since.
    async fn dial_one(&self, address: SocketAddr, after: Duration) -> io::Result<Connection> {
        sleep(after).await;
        let any = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let endpoint = Endpoint::client(any)?;
        let connecting = endpoint.connect_with(self.config.clone(), address, &self.target.host);
        Ok(connecting.map_err(io::Error::other)?.await?)
    }
}
