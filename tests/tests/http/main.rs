//! The HTTP bindings over real sockets, a real store and the demo backend.

mod ai_sdk;
mod bad_input;
mod client;
mod cors;
mod drain;
mod harness;
mod limits;
mod listing;
mod reads;
mod resume;
mod scopes;
mod sessions;
mod tokens;
mod traps;
mod versions;
