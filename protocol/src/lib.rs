//! Tidegate's wire protocol as pure data and functions: ids, records, cursors, codecs, token scopes
//! and UI messages. No sockets, no clock, no randomness: time and entropy are arguments.
//!
//! The normative text is `spec/v1/`; rule ids such as `R-OUT-3` in comments point there.

pub mod control;
pub mod cursor;
pub mod duplex;
pub mod error;
pub mod frame;
pub mod handover;
pub mod ids;
pub mod input;
pub mod limits;
pub mod link;
pub mod metadata;
pub mod record;
pub mod s2;
mod shown;
pub mod sse;
pub mod token;
pub mod transcript;
pub mod ui;
pub mod version;

pub use error::{ApiError, ErrorCode};
pub use record::{Header, NewRecord, Record};
