//! The agents that were ever registered in an environment: known while no worker is connected, so
//! that sessions wait for them instead of being refused (R-LNK-9).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_protocol::ids::{SESSION_ID_PREFIX, SessionKey};
use tidegate_protocol::limits::KNOWN_AGENTS_MAX;
use tidegate_protocol::link::AgentSpec;

use super::registration;
use crate::agents::AgentKey;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Commit, Op, StoreError};

const PREFIX: &str = "agent/";

#[derive(Debug, Serialize, Deserialize)]
struct Known {
    spec: AgentSpec,
}

/// A name that neither clients nor the gateway can give to a session.
fn place(environment: &str) -> SessionKey {
    SessionKey::new(environment, &format!("{SESSION_ID_PREFIX}agents"))
}

impl Gateway {
    /// Learns again which agents were registered before the gateway's start.
    pub async fn recall_agents(&self) -> std::result::Result<(), StoreError> {
        for environment in self.access().environments() {
            let key = place(&environment);
            let blobs = self.store().blobs(&key, PREFIX, None, KNOWN_AGENTS_MAX).await?;
            for (_, bytes) in blobs {
                let known: Known = serde_json::from_slice(&bytes)
                    .map_err(|error| StoreError::Corrupt(format!("known agent: {error}")))?;
                let agent = AgentKey::new(&environment, &known.spec.id);
                let service = registration::service(self.workers(), &agent, &known.spec);
                self.agents().register(agent, service);
            }
        }
        Ok(())
    }

    /// Keeps what a worker registered.
    pub(super) async fn remember_agents(
        &self,
        environment: &Arc<str>,
        specs: &[AgentSpec],
    ) -> Result<()> {
        let key = place(environment);
        let mut ops = Vec::new();
        for spec in specs {
            let name = format!("{PREFIX}{}", spec.id);
            // What operators see is not kept: only how sessions are served.
            let spec = AgentSpec { tools: Vec::new(), metadata: None, ..spec.clone() };
            let bytes = serde_json::to_vec(&Known { spec }).expect("a spec is valid JSON");
            let stored = self.store().blob(&key, &name).await.map_err(error::store)?;
            if stored.as_deref() != Some(&bytes[..]) {
                ops.push(Op::PutBlob { name, bytes: bytes.into() });
            }
        }
        if !ops.is_empty() {
            let commit = Commit { session: key, ops };
            self.store().commit(commit).await.map_err(error::commit)?;
        }
        Ok(())
    }
}
