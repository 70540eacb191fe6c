//! Frames of the duplex binding as plain data (`spec/v1/duplex.md`, R-DPX).

mod client;
pub mod codes;
mod gateway;
pub mod window;

pub use client::{Append, Auth, ClientFrame, FieldError, Hello, Subscribe, Unsubscribe};
pub use gateway::{
    Acked, BATCH_END, ErrorFrame, Gap, GapReason, GatewayFrame, Pulse, Welcome, batch_head,
    records_json,
};

/// The WebSocket subprotocol (R-DPX-1).
pub const SUBPROTOCOL: &str = "tidegate.v1";
/// Where a client connects (R-DPX-1).
pub const PATH: &str = "/v1/connect";
/// Largest id of a request: what JavaScript keeps exact.
pub const ID_MAX: u64 = crate::cursor::SEQ_MAX;
