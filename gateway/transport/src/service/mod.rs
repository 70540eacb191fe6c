//! The one service behind every listener, and what is common to all bindings.

pub(crate) mod alt_svc;
pub(crate) mod app;
pub(crate) mod auth;
pub(crate) mod call;
pub mod connection;
pub(crate) mod cors;
pub(crate) mod dispatch;
pub(crate) mod errors;
pub(crate) mod finish;
pub(crate) mod json;
pub(crate) mod path;
pub(crate) mod pipeline;
pub(crate) mod query;
pub(crate) mod rate;
pub(crate) mod read_body;
pub(crate) mod request_body;
pub(crate) mod respond;
pub(crate) mod route;
pub mod tower;

pub use app::{Extra, Setup};
pub use respond::Response;
pub use tower::Service;
