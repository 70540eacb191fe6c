//! The binary from outside: commands, configuration, a gateway's life.

mod cli;
mod config;
mod console;
mod gateway;
mod head_start;
mod redis;
mod store_urls;
mod support;
