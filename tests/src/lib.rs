//! End-to-end, compatibility and fault-injection tests of the real binary.

pub mod client;
pub mod process;
pub mod worker;
