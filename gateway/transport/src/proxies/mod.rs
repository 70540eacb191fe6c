//! What stands between a client and this gateway: whom to believe, and what they say.

pub(crate) mod forwarded;
pub(crate) mod header;
pub(crate) mod receive;
pub mod trust;

pub use trust::{Network, Proxies};
