//! The service of the WebTransport tests, for clients that are no Rust: see `tests/quic`.
//! `webtransport_echo ADDRESS CERT KEY` listens until it is killed.

#[allow(dead_code, reason = "what only the tests look at")]
#[path = "../tests/webtransport/service.rs"]
mod service;

use tidegate_transport::config::{Limits, TlsPem};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, cert, key] = &arguments[..] else { panic!("ADDRESS CERT KEY") };
    let read = |path: &String| std::fs::read(path).expect("a PEM file");
    let tls = TlsPem { cert: read(cert), key: read(key) };
    let mut gate = service::start(address.parse().expect("an address"), tls, Limits::default());
    // Nobody asks here how sessions ended.
    while gate.ends.recv().await.is_some() {}
}
