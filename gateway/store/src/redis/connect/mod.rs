//! Connections to Redis and Valkey: one server, Sentinel or Cluster behind one face.

mod backoff;
mod barrier;
mod breaker;
mod call;
mod clock;
mod connection;
mod dial;
mod error;
mod gate;
mod gather;
mod info;
mod live;
mod node;
mod percent;
mod reign;
mod send;
mod sentinel;
mod slot;
mod slots;
mod subscriber;
mod subscription;
mod topology;
mod url;

pub use call::{Call, Reply, Script, Served};
pub use connection::Connection;
pub use error::{CallError, ConnectError};
pub use reign::Reign;
pub use slot::{SLOTS, slot_of};
pub use subscriber::{Subscriber, SubscriberListener};
pub use url::{Address, Mode, RedisUrl, Secret, UrlError, Wait};
