//! What is measured: the real binary, or the floor, as a child process on its own core.

mod affinity;
mod kind;
mod process;
mod usage;

pub use affinity::{GENERATOR_CORE, TARGET_CORE, cores, pin};
pub use kind::{Kind, Store};
pub use process::{Target, binary};
pub use usage::{Memory, cpu, memory};
