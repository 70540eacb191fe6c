//! The turn machine: gateways run the loop, backends answer.

mod history;
mod world;
