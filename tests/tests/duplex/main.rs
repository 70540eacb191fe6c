//! The duplex binding over real sockets and a real store.

#[path = "../http/chat.rs"]
mod chat;
#[path = "../http/client.rs"]
mod client;
#[path = "../http/harness.rs"]
mod harness;
#[path = "../http/plan.rs"]
mod plan;
#[path = "../workers_chaos/rng.rs"]
mod rng;
#[path = "../webtransport/client.rs"]
mod webtransport;

mod appends;
mod credentials;
mod cursors;
mod ends;
mod fuzz;
mod gaps;
mod hello;
mod many;
mod moves;
mod pipe;
mod pulse;
mod refusals;
mod start;
mod streams;
mod windows;
mod wire;
