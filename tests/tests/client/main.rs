//! The client library against the real binary, over bad networks.

#[path = "../workers_chaos/proxy.rs"]
mod proxy;
#[path = "../workers_chaos/rng.rs"]
mod rng;

mod answers;
mod crashes;
mod credentials;
mod cursors;
mod cuts;
mod drains;
mod errors;
mod harness;
mod moves;
mod readme;
mod tls;
mod windows;
