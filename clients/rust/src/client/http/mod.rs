//! Requests over HTTP, and reads over SSE.

mod connector;
mod follow;
mod paths;
mod requests;
mod send;

pub(crate) use follow::follow;
pub(crate) use paths::Paths;
pub(crate) use requests::{Answer, Ask};
#[cfg(feature = "http3")]
pub(crate) use send::Body;
pub(crate) use send::Http;
