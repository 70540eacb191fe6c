//! Everything between sockets and the engine: listeners, the one tower service for every HTTP
//! version, and one module per binding. `service/pipeline.rs` shows what a request goes through.

pub mod ai_sdk;
pub mod body;
pub mod config;
pub mod drain;
pub(crate) mod duplex;
pub mod link;
pub mod listen;
pub mod meta;
pub mod metrics;
pub mod proxies;
pub(crate) mod quic;
pub mod runs;
pub mod s2;
pub(crate) mod self_test;
pub mod service;
pub mod sessions;
pub mod sse;
pub mod streams;
pub mod tokens;
pub mod transcript;
pub(crate) mod websocket;
pub mod webtransport;

pub use body::Body;
pub use config::TransportConfig;
pub use listen::Server;
pub use metrics::TransportMetrics;
pub use service::Service;
