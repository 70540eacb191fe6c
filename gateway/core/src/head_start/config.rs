//! What the configuration says of an agent's head start.

use std::sync::Arc;

use crate::seams::{AgentBackend, ToolSchema};

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
    /// A step is likely soon: connections are opened ahead (R-HDS-20). Needs a Tokio runtime.
    pub fn warm_up(&self) {
        for backend in [Some(&self.backend), self.hedge.as_ref()].into_iter().flatten() {
            backend.warm_up();
        }
    }
}
