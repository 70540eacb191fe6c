//! HTTP/3: requests and reads over one QUIC connection, as long as its streams suffice.

mod dials;
mod line;
mod offer;
mod pool;

pub(crate) use pool::{Http3, Want};
