//! Transcripts (trigger-client §1.11, appendix D).

pub(crate) mod page;
pub(crate) mod snapshot;
