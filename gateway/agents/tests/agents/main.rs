//! The turn backends against real sockets and processes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod ai_sdk;
mod cancel;
mod config;
mod demo;
mod faults;
mod head_start;
mod openai;
mod pool;
mod process;
mod process_end;
mod process_faults;
mod process_support;
mod retry;
mod support;
mod timeouts;
mod tls;
