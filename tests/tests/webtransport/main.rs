//! WebTransport sessions: the seam under the duplex binding, with a client that has quinn alone
//! (R-DPX-3, R-H3-2).

mod client;
mod ends;
mod gate;
mod read;
mod service;
mod streams;
mod waits;
