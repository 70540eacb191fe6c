//! Runs over HTTP, with the paths and shapes of the published SDK's `runs` (R-RUNS).

pub(crate) mod list;
pub(crate) mod notes;
pub(crate) mod one;
pub(crate) mod succession;
mod view;
