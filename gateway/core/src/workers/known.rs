//! The agents that were ever registered in an environment: known while no worker is connected, so
//! that sessions wait for them instead of being refused (R-LNK-9).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_protocol::ids::{SESSION_ID_PREFIX, SessionKey};
use tidegate_protocol::limits::KNOWN_AGENTS_MAX;
use tidegate_protocol::link::AgentSpec;

use super::pool::VERSIONS_MAX;
use super::registration;
use crate::agents::AgentKey;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Commit, Op, StoreError};

const PREFIX: &str = "agent/";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    spec: AgentSpec,
    /// Its newest versions and when each was first registered, Unix ms, oldest first.
    #[serde(default)]
    versions: Vec<(String, u64)>,
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
                let registered = registration::registered(self.workers(), &agent, &known.spec);
                self.agents().register(agent, registered);
            }
        }
        Ok(())
    }

    /// Learns of an agent that has workers at another gateway. Is it news?
    pub(crate) fn learn_agent(&self, environment: &str, spec: &AgentSpec) -> bool {
        let agent = AgentKey::new(environment, &spec.id);
        if !self.agents().may_register(&spec.id) || self.agents().is_registered(&agent) {
            return false;
        }
        let registered = registration::registered(self.workers(), &agent, spec);
        self.agents().register(agent, registered)
    }

    /// Is there such an agent? One that registered at another gateway a moment ago is in the
    /// store, though no announcement of it need have come yet.
    pub async fn knows_agent(&self, environment: &str, id: &str) -> Result<bool> {
        if self.agents().has(environment, id) {
            return Ok(true);
        }
        let name = format!("{PREFIX}{id}");
        let stored = self.store().blob(&place(environment), &name).await.map_err(error::store)?;
        let known = stored.and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok());
        let Some(known) = known else { return Ok(false) };
        self.learn_agent(environment, &known.spec);
        Ok(self.agents().has(environment, id))
    }

    /// Keeps what a worker registered. Gives when each version was first registered, Unix ms.
    pub(super) async fn remember_agents(
        &self,
        environment: &Arc<str>,
        specs: &[AgentSpec],
    ) -> Result<Vec<u64>> {
        let key = place(environment);
        let (mut ops, mut since) = (Vec::new(), Vec::with_capacity(specs.len()));
        for spec in specs {
            let name = format!("{PREFIX}{}", spec.id);
            let stored = self.store().blob(&key, &name).await.map_err(error::store)?;
            let stored = stored.and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok());
            let mut versions = stored.as_ref().map(|known| known.versions.clone());
            let versions = versions.get_or_insert_default();
            since.push(first_seen(versions, &spec.version, self.now()));
            // What operators see is not kept: only how sessions are served.
            let spec = spec.for_service();
            let known = Known { spec, versions: std::mem::take(versions) };
            if stored.as_ref() != Some(&known) {
                let bytes = serde_json::to_vec(&known).expect("a spec is valid JSON");
                ops.push(Op::PutBlob { name, bytes: bytes.into() });
            }
        }
        if !ops.is_empty() {
            let commit = Commit { session: key, ops };
            self.store().commit(commit).await.map_err(error::commit)?;
        }
        Ok(since)
    }
}

fn first_seen(versions: &mut Vec<(String, u64)>, version: &str, now: u64) -> u64 {
    if let Some((_, since)) = versions.iter().find(|(name, _)| name == version) {
        return *since;
    }
    // Later than every other, whatever the clock says.
    let since = versions.last().map_or(now, |(_, last)| now.max(last + 1));
    versions.push((version.to_owned(), since));
    if versions.len() > VERSIONS_MAX {
        versions.remove(0);
    }
    since
}
