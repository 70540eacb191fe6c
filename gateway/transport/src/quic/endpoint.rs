//! The UDP socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use quinn::{Endpoint, TokioRuntime};
use socket2::{Domain, Protocol, Socket, Type};

use super::keys::Keys;
use super::settings;
use crate::config::{Http3, TlsPem};
use crate::listen::tls::TlsError;

/// What is asked of the kernel for datagrams that were not read yet; it gives what it may.
const RECEIVE_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Why HTTP/3 can't be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Socket(#[from] io::Error),
}

/// Listens on the UDP port `address`.
pub(crate) fn open(
    address: SocketAddr,
    pem: &TlsPem,
    http3: &Http3,
) -> Result<Endpoint, OpenError> {
    let keys = Keys::new(http3.secret.as_deref());
    let endpoint = keys.endpoint();
    let server = settings::server(pem, keys)?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // As large as it gets: a smaller one works, too.
    _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    let runtime = Arc::new(TokioRuntime);
    Ok(Endpoint::new(endpoint, Some(server), socket.into(), runtime)?)
}
