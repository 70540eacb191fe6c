//! HTTP/3: the same service on the UDP port with the number of a TLS listener's TCP port
//! (R-H3-1).

pub(crate) mod accept;
pub(crate) mod body;
mod connection;
mod endpoint;
mod keys;
mod request;
mod response;
mod settings;
mod tunnel;
pub(crate) mod wire;

pub(crate) use endpoint::{OpenError, open};
