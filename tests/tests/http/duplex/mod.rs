//! The duplex binding, over each of its transports.

#[path = "../../workers_chaos/rng.rs"]
mod rng;
#[path = "../../webtransport/client.rs"]
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
mod unread;
mod windows;
mod wire;
