//! Listings of sessions: filters, cursors and pages, the same for both stores.

pub(crate) mod filter;
pub(crate) mod page;
pub(crate) mod place;
