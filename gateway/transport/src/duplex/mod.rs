//! The duplex binding (`spec/v1/duplex.md`): one engine for each connection, which knows frames and
//! no sockets, and a driver for each transport that carries them.

mod connection;
mod credentials;
mod handle;
mod lane;
mod lanes;
mod open;
mod order;
mod ready;
mod requests;
mod session;
mod socket;
mod stall;
mod subscription;
mod subscriptions;
mod timers;
mod upkeep;

pub(crate) use open::open;
