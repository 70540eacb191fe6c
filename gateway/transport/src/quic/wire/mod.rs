//! What h3 asks of a QUIC library, on quinn. Beside what `h3-quinn` does, a stream says when its
//! peer has all of it or wants no more of it, and what came and was not understood yet is bounded.

mod connection;
mod failure;
mod receive;
mod send;
mod stream;

pub(crate) use connection::Wire;
pub(crate) use receive::{Allowance, Receive};
pub(crate) use send::Send;
pub(crate) use stream::{Gone, Stream};
