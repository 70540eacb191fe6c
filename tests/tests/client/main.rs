//! The client library against the real binary, over bad networks.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../http/client.rs"]
mod client;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../http/harness.rs"]
mod harness;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../http/plan.rs"]
mod plan;
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
mod gaps;
mod http3;
mod moves;
mod net;
mod readme;
mod room;
mod tls;
mod windows;
