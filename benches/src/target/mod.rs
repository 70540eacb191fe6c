//! What is measured: the real binary, or the floor, as a child process on its own core; and the
//! processes that serve its agents.

mod affinity;
mod backend;
mod certificate;
mod host;
mod kind;
mod process;
mod redis;
mod usage;
mod worker;

pub use affinity::{GENERATOR_CORE, TARGET_CORE, cores, pin, unpin};
pub use backend::{AGENT, Backend};
pub use certificate::CERT;
pub use host::{Host, HostSetup};
pub use kind::{Kind, Store};
pub use process::{Target, binary};
pub use redis::Server;
pub use usage::{Memory, cpu, memory};
pub use worker::{Worker, WorkerMode};
