//! Requests over HTTP, and reads over SSE.

mod connector;
mod follow;
mod paths;
mod requests;
mod send;

pub(crate) use follow::follow;
pub(crate) use paths::Paths;
pub(crate) use requests::{Answer, Ask};
pub(crate) use send::{Body, Http};
