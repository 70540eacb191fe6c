//! Streams of events: bodies that read the live channel by themselves, without a task or a queue
//! for each reader.

pub(crate) mod departure;
pub(crate) mod quiet;
pub(crate) mod reader;
