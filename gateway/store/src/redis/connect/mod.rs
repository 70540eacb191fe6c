//! Connections to Redis and Valkey: one server, Sentinel or Cluster behind one face.

mod breaker;
mod call;
mod connection;
mod error;
mod percent;
mod slot;
mod subscriber;
mod url;

pub use call::{Call, Reply, Script, Served};
pub use connection::Connection;
pub use error::{CallError, ConnectError};
pub use slot::{SLOTS, slot_of};
pub use subscriber::{Subscriber, SubscriberListener};
pub use url::{Address, Mode, RedisUrl, Secret, UrlError, Wait};
