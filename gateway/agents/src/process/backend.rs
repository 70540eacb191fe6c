//! The backend.

use std::sync::Arc;

use tidegate_core::seams::AgentBackend;
use tidegate_core::seams::backend::{Abilities, AnswerStream, TurnRequest};
use tidegate_protocol::limits::PROCESS_CHILDREN_MAX;
use tokio::sync::Semaphore;

use super::answer::answer;
use super::launch::Launch;
use crate::config::{ConfigError, ProcessConfig, Timeouts};
use crate::namer::Namer;

/// Runs one child for each answer.
#[derive(Debug)]
pub(crate) struct Process {
    shared: Arc<Shared>,
    abilities: Abilities,
}

/// What every answer of an agent needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) launch: Launch,
    pub(super) namer: Namer,
    pub(super) timeouts: Timeouts,
    pub(super) max_children: usize,
    /// One permit for each child that there is.
    pub(super) room: Arc<Semaphore>,
}

impl Process {
    /// For agent `id`.
    pub(crate) fn new(id: &str, config: ProcessConfig) -> Result<Self, ConfigError> {
        let timeouts = Timeouts::from(config.timeouts);
        timeouts.check(id)?;
        let max_children = config.max_children;
        if !(1..=PROCESS_CHILDREN_MAX).contains(&max_children) {
            let reason = format!("must be from 1 to {PROCESS_CHILDREN_MAX}");
            return Err(ConfigError::value(id, "max_children", reason));
        }
        let abilities = Abilities { actions: config.actions, ..Abilities::default() };
        let (launch, secrets) = Launch::new(id, config)?;
        let shared = Shared {
            launch,
            namer: Namer::new(format!("agent \"{id}\" (process)"), &secrets),
            timeouts,
            max_children,
            room: Arc::new(Semaphore::new(max_children)),
        };
        Ok(Self { shared: Arc::new(shared), abilities })
    }
}

impl AgentBackend for Process {
    fn answer(&self, request: TurnRequest) -> AnswerStream {
        answer(Arc::clone(&self.shared), request)
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }
}
