//! What the crash tests share.

pub(crate) mod writers;
