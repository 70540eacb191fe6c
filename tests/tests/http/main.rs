//! The HTTP bindings over real sockets, a real store and the demo backend.

mod ai_sdk;
mod backends;
mod bad_input;
mod canonical;
mod chat;
mod client;
mod cors;
mod drain;
mod epochs;
mod expiry;
mod full_disk;
mod harness;
mod history;
mod limits;
mod listing;
mod owing;
mod plan;
mod reads;
mod resume;
mod retention;
mod scopes;
mod sessions;
mod tokens;
mod traps;
mod upstream;
mod versions;
