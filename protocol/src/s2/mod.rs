//! The appends of the S2 protocol, as far as published clients use them (`spec/v1/s2.md`): what is
//! appended, in three encodings, and how a repeat is recognised.

pub mod frame;
pub mod input;
pub mod json;
pub mod proto;
pub mod repeat;
mod wire;

pub use frame::FrameError;
pub use input::{AppendAck, AppendInput, InputError, InputRecord, Position};
