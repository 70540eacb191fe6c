//! Sessions: durable rows with two streams.

pub mod close;
pub mod create;
pub(crate) mod head_start;
pub mod locate;
pub mod request;
pub mod row;
pub mod update;
