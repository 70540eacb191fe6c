//! The turn backends against real sockets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod ai_sdk;
mod cancel;
mod config;
mod demo;
mod faults;
mod openai;
mod pool;
mod retry;
mod support;
mod timeouts;
mod tls;
