//! Runs one session's machine: reads inputs, performs effects, speaks to the worker. No decisions.

mod boundary;
mod drive;
mod opening;
mod perform;
mod serve;
mod stepping;
mod trace;
mod words;

pub(super) use drive::{Driver, PAGE};
pub use opening::ToOpen;
pub(super) use perform::want;
