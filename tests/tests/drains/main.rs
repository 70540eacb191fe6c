//! SIGTERM under the real binary: what clients, balancers and workers see of a drain (R-DRN).

mod chat;
mod goes;
mod readers;
mod wire;
mod workers;
