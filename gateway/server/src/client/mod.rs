//! A small HTTP/1.1 client for the commands that talk to a gateway.

mod connect;
mod encode;
mod error;
mod request;
mod tls;
mod url;

pub use encode::percent;
pub use error::ClientError;
pub use request::{Client, Stream};
