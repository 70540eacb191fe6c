//! The S2 write binding (`spec/v1/s2.md`): appends in JSON, protobuf and frames.

pub(crate) mod append;
mod refusal;
pub(crate) mod session;
