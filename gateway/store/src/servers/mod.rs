//! Real servers for tests, on free loopback ports, in directories of their own. They end with
//! whoever started them, also if that is killed.

mod cluster;
mod config;
mod ports;
mod process;
mod sentinels;
mod server;
mod until;

pub use cluster::Cluster;
pub use config::Config;
pub use ports::free_port;
pub use sentinels::Sentinels;
pub use server::Redis;
pub use until::until;
