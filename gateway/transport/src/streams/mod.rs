//! `/realtime/v1/sessions/…` (trigger-client §1.2–1.5, §1.12) and what became of inputs.

pub(crate) mod append;
pub(crate) mod credentials;
pub(crate) mod head;
pub(crate) mod inputs;
pub(crate) mod read;
pub(crate) mod records;
