//! The engine: sessions, channels and turns, each a pure state machine and a thin driver beside
//! it, and the seams behind which stores, backends and transports live. No sockets, no database.

pub mod access;
pub mod channels;
pub mod error;
pub mod gateway;
pub mod metrics;
pub mod seams;
pub mod sessions;
pub mod streams;
pub mod turns;

pub use gateway::Gateway;
