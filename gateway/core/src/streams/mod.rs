//! What callers do with a session's streams: append, read, page, ask whether they are settled.

pub mod append;
pub mod chat;
pub mod inputs;
pub mod read;
pub(crate) mod saved;
pub mod transcript;
pub mod write;
