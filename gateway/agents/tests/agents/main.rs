//! The turn backends against real sockets.

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
