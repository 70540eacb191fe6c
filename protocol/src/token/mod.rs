//! Credentials: key shapes, JWTs, scopes and lifetimes.

pub mod claims;
pub mod duration;
pub mod jwt;
pub mod key;
pub mod run;
pub mod s2;
pub mod scope;
pub mod ticket;
pub mod upload;
