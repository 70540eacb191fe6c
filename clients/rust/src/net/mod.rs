//! Where the gateway is, and the bytes to it: shared by workers and clients.

mod target;
mod tls;

pub(crate) use target::{Io, Target};
pub(crate) use tls::connector;
