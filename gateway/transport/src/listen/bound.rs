//! The sockets of one listener: TCP, and with TLS the UDP socket of the same number (R-H3-1).

use std::net::SocketAddr;

use quinn::Endpoint;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::server::StartError;
use super::{socket, tls};
use crate::config::{ListenConfig, TransportConfig};
use crate::quic::{self, OpenError};

/// How often another free TCP port is taken, if the UDP port of that number is not free.
const TRIES: usize = 16;

/// See the module.
pub(super) struct Bound {
    pub(super) address: SocketAddr,
    pub(super) listener: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) endpoint: Option<Endpoint>,
}

/// Binds what `listen` asks for.
pub(super) fn bind(config: &TransportConfig, listen: &ListenConfig) -> Result<Bound, StartError> {
    let tries = if listen.address.port() == 0 { TRIES } else { 1 };
    let mut bound = once(config, listen);
    for _ in 1..tries {
        if !matches!(bound, Err(StartError::ListenQuic { .. })) {
            break;
        }
        bound = once(config, listen);
    }
    bound
}

fn once(config: &TransportConfig, listen: &ListenConfig) -> Result<Bound, StartError> {
    let address = listen.address;
    let tls = listen.tls.as_ref().map(tls::acceptor).transpose();
    let tls = tls.map_err(|error| StartError::Tls { address, error })?;
    let listener = socket::listen(address, config.limits.write_stall)
        .map_err(|error| StartError::Listen { address, error })?;
    let address = listener.local_addr().unwrap_or(address);
    let quic = listen.tls.as_ref().zip(config.http3.as_ref());
    let endpoint = quic.map(|(pem, http3)| quic::open(address, pem, http3)).transpose();
    let endpoint = endpoint.map_err(|error| match error {
        OpenError::Tls(error) => StartError::Tls { address, error },
        OpenError::Socket(error) => StartError::ListenQuic { address, error },
    })?;
    Ok(Bound { address, listener, tls, endpoint })
}
