//! Token endpoints (trigger-client §1.11, §2.2). Only secret keys mint.

pub(crate) mod claims;
pub(crate) mod public;
pub(crate) mod ticket;
