//! The load generator and peer comparisons: one thread, one epoll, hand-made HTTP/1.1, so that
//! the generator costs little beside what it measures. Only where transports are compared, their
//! libraries are the clients.
//!
//! Whatever goes wrong is an `io::Error` that says what was being tried: a figure from a run
//! that failed is worse than none, so every error ends the run.

pub mod capacity;
pub mod cli;
pub mod figures;
pub mod floor;
pub mod load;
pub mod net;
pub mod target;
pub mod transports;
pub mod worker;
