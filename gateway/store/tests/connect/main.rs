//! Connections to real servers: what they need, what breaks them, and how they come back.

mod checks;
mod cluster;
mod harness;
mod pub_sub;
mod reigns;
mod sentinels;
mod single;
mod tls;
mod waiting;
