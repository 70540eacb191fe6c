//! Sockets: accepting connections, TLS, and serving HTTP on them until they end or drain.

pub(crate) mod accept;
mod bound;
pub(crate) mod connection;
pub mod server;
mod socket;
pub(crate) mod tls;

pub use server::{Server, StartError};
