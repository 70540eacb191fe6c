//! A listening socket whose options every accepted connection inherits, so that accepting one
//! takes a single system call.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that wait to be accepted; the kernel clamps it (`net.core.somaxconn`).
const BACKLOG: i32 = 4_096;
/// Unsent bytes that the kernel holds before a socket stops being writable: a slow reader's data
/// stays in the shared ring, not in its own send buffer.
#[cfg(target_os = "linux")]
const NOTSENT_LOWAT_BYTES: u32 = 64 * 1024;

/// Listens on `address`. With `write_stall`, the kernel ends connections whose peer acknowledges
/// nothing for that long while data waits (`TCP_USER_TIMEOUT`, which also covers a peer that keeps
/// its receive window shut). It is the whole defence against readers that stop reading, and costs
/// the gateway no timer. Linux only; elsewhere the kernel's own, longer, timeout holds.
pub(super) fn listen(address: SocketAddr, write_stall: Duration) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(Some(write_stall))?;
        socket.set_tcp_notsent_lowat(NOTSENT_LOWAT_BYTES)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = write_stall;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use socket2::SockRef;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn accepted_connections_inherit_the_options() {
        let stall = Duration::from_secs(30);
        let listener = listen(([127, 0, 0, 1], 0).into(), stall).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let _client = connected.expect("connects");
        let (accepted, _) = accepted.expect("accepts");
        let socket = SockRef::from(&accepted);
        assert!(socket.tcp_nodelay().expect("readable"));
        assert_eq!(socket.tcp_user_timeout().expect("readable"), Some(stall));
        assert_eq!(socket.tcp_notsent_lowat().expect("readable"), NOTSENT_LOWAT_BYTES);
    }
}
