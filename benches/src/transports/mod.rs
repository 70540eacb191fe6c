//! Readers over every transport, on one thread: what a client of each does, and little more. The
//! gateway is measured, so a reader finds records without parsing JSON.

mod duplex;
mod extended;
mod feed;
mod http;
mod http3;
mod link;
mod request;
mod session;
mod site;
mod socket;
mod subs;
mod tally;
mod task;
mod via;
mod wire;

pub use link::Link;
pub use site::{Site, Tickets};
pub(crate) use tally::Pace;
pub use tally::Tally;
pub use via::Via;
