//! `/api/v1/sessions…` (trigger-client §1.1, §1.7–1.10).

pub(crate) mod create;
pub(crate) mod item;
pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod time;
