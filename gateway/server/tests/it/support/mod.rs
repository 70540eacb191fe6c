//! Runs the real binary and talks to it.

mod http;
mod process;

pub(crate) use http::{follow_until, get, request};
pub(crate) use process::{Gateway, Ran, command, tidegate, tidegate_in};

/// A key of the minting shape.
pub(crate) const KEY: &str = "tr_dev_sk_0123456789abcdefghijABCD";
