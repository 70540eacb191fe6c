//! Ports that a process can listen on again after it was killed: outside of the range that the
//! system gives to outgoing connections, one of which might have taken it meanwhile.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// One that nothing listens on now.
pub(crate) fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u64::from(std::process::id()) * 61 % u64::from(COUNT);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset = (start + u64::from(next)) % u64::from(COUNT);
        let port = FIRST + u16::try_from(offset).expect("below COUNT");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
