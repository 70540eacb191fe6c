//! Where the gateway is, and the bytes to it: shared by workers and clients.

#[cfg(feature = "http3")]
mod quic;
mod target;
mod tls;

#[cfg(feature = "http3")]
pub(crate) use quic::Quic;
pub(crate) use target::{Io, Target};
pub(crate) use tls::connector;
