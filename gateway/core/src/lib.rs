//! The engine: sessions, channels, turns, workers and runs, each a pure state machine and a thin
//! driver beside it, and the seams behind which stores, backends and transports live. No sockets,
//! no database.

pub mod access;
pub mod agents;
pub mod channels;
pub mod drivers;
pub mod error;
pub mod fleet;
pub mod gateway;
pub mod head_start;
pub mod metrics;
pub mod runs;
pub mod seams;
pub mod sessions;
pub mod streams;
pub mod sweeps;
pub mod turns;
pub mod workers;

pub use gateway::Gateway;
