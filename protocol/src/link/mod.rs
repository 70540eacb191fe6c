//! Frames of the agent link as plain data (`spec/v1/agent-link.md`, R-LNK).

mod boot;
pub mod codes;
mod exit;
mod gateway;
mod hello;
mod records;
mod turn;
mod welcome;
mod worker;

pub use boot::BootFrame;
pub use exit::{Cause, ExitClass, ExitError};
pub use gateway::{Ack, Cancel, ErrorFrame, Evict, GatewayFrame, Goaway, Inputs, Refusal};
pub use hello::{AgentSpec, HeldWork, Hello, Mode, TakesOver};
pub use records::OutRecord;
pub use turn::{Handed, HandoverFrame, TurnFrame};
pub use welcome::{Welcome, WelcomedWork};
pub use worker::{
    Close, Done, EndAndContinue, Exit, Injected, Out, Parked, Save, Trim, TurnDone, WorkId,
    WorkerFrame,
};

/// The WebSocket subprotocol (R-LNK-1).
pub const SUBPROTOCOL: &str = "tidegate.agent.v1";
/// Where a worker connects (R-LNK-1).
pub const PATH: &str = "/v1/agents/link";
