//! The store on Redis or Valkey.

pub mod connect;
