//! The agent link against the real binary: turns over the Rust client, cuts of the network, and
//! everything that a worker may not do (`spec/v1/agent-link.md`).

mod bad_input;
mod boundaries;
mod chat;
mod cuts;
mod first_message;
mod proxy;
mod raw;
mod refusals;
mod turns;
mod worker;
