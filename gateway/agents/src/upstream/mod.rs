//! The HTTP client of backends that are called: one connection a call, closed when the answer is
//! dropped, and never a half-read body in the pool.

mod body;
mod client;
mod connect;
mod connection;
mod endpoint;
mod failure;
mod pool;
mod relay;
mod reply;
mod tls;

pub(crate) use client::Client;
pub(crate) use endpoint::Endpoint;
pub(crate) use relay::{Broken, Flow, Translate, relay};
