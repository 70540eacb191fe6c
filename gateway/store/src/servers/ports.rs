//! Ports for servers that a test starts, and starts again.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 11_000;
const COUNT: u16 = 11_000;

/// A port that nothing listens on now, nor on those `beside` it, which are so much higher. Without
/// any beside it, or with those up to 10,000 above, all are below those that the system gives to
/// outgoing connections (32768 and up): one of them could have taken it by the time a process that
/// was killed listens on it again.
pub fn free_port(beside: &[u16]) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests run in processes of their own, with neighbouring ids.
    let start = u64::from(std::process::id()) * 61;
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    loop {
        let next = start + u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from(next % u64::from(COUNT)).expect("below COUNT");
        if is_free(port) && beside.iter().all(|more| is_free(port + more)) {
            return port;
        }
    }
}
