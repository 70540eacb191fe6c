//! Sockets: accepting connections, TLS, and serving HTTP on them until they end or drain.

mod accept;
mod connection;
pub mod server;
mod socket;
mod tls;

pub use server::{Server, StartError};
