//! What the configuration says of an agent's head start.

use std::sync::Arc;

use crate::agents::TakesOver;
use crate::seams::{AgentBackend, ToolSchema};

/// How a turn ends whose answer can't be handed to the agent that came (R-HDS-26).
pub(crate) const CANT_GO_ON: &str = "The agent that came can't go on with the answer.";

/// The warm place of an agent: turn backends that make the first step of its answers.
#[derive(Clone, Debug)]
pub struct HeadStart {
    /// Makes the step.
    pub backend: Arc<dyn AgentBackend>,
    /// Is asked at the same time; the first token wins (R-HDS-21).
    pub hedge: Option<Arc<dyn AgentBackend>>,
    /// What the model may call; without it, what the agent registered.
    pub tools: Option<Arc<[ToolSchema]>>,
    /// How long the agent may take to take over, from the end of the step, in ms.
    pub wait_ms: u64,
    /// How long the step may take, in ms.
    pub step_ms: u64,
}

impl HeadStart {
    /// What counts of what an agent takes over: the configuration's tools come before its own.
    pub fn held_to(&self, takes: TakesOver) -> TakesOver {
        let tools = self.tools.clone().unwrap_or(takes.tools);
        TakesOver { tools, ..takes }
    }

    /// A step is likely soon: connections are opened ahead (R-HDS-20). Needs a Tokio runtime.
    pub fn warm_up(&self) {
        for backend in [Some(&self.backend), self.hedge.as_ref()].into_iter().flatten() {
            backend.warm_up();
        }
    }
}
