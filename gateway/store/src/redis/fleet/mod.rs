//! The gateways that share a store: who is there, who serves what, and what they say to each other.

mod beat;
mod claims;
mod handle;
mod members;
mod names;

pub use handle::RedisFleet;
pub(super) use members::Members;
