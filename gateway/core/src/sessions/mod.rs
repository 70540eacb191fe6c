//! Sessions: durable rows with two streams.

pub mod close;
pub mod create;
pub mod locate;
pub mod request;
pub mod row;
pub mod update;
