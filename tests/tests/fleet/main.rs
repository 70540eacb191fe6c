//! Many gateways over one store (R-FLT), without sockets.

#[path = "../engine/harness.rs"]
#[expect(dead_code, reason = "the engine's tests use more of it")]
mod harness;
mod linked;
mod lost;
mod nodes;
mod reads;
mod rows;
mod turns;
mod worker;
