//! The engine's front: what transports call. Cheap to clone.

use std::collections::HashMap;
use std::sync::Arc;

use crate::access::{Access, Principal};
use crate::channels::Channels;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::seams::{AgentBackend, Clock, Entropy, StreamStore};
use crate::sessions::locate::{Located, locate};
use crate::turns::Turns;

/// Everything that a request needs.
#[derive(Clone, Debug)]
pub struct Gateway {
    parts: Arc<Parts>,
}

/// What a gateway is made of.
#[derive(Debug)]
pub struct Parts {
    /// Where sessions live.
    pub store: Arc<dyn StreamStore>,
    /// Their live streams; must be the store's commit listener.
    pub channels: Arc<Channels>,
    /// Environments and tokens.
    pub access: Access,
    /// The agents.
    pub agents: Arc<Agents>,
    /// The turn engine.
    pub turns: Turns,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Ids and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// The agents of a gateway, by id.
#[derive(Debug, Default)]
pub struct Agents {
    agents: HashMap<String, Agent>,
}

/// One agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// What answers its turns.
    pub backend: Arc<dyn AgentBackend>,
    /// Does closing the socket of the AI SDK binding's request stop its turn (I5)?
    pub stop_on_disconnect: bool,
}

impl Agents {
    /// By id.
    pub fn new(agents: HashMap<String, Agent>) -> Self {
        Self { agents }
    }

    /// The agent called `id`.
    pub fn find(&self, id: &str) -> Option<&Agent> {
        self.agents.get(id)
    }

    /// Is there an agent called `id`?
    pub fn has(&self, id: &str) -> bool {
        self.agents.contains_key(id)
    }

    /// Every id, sorted.
    pub fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.agents.keys().map(String::as_str).collect();
        ids.sort_unstable();
        ids
    }
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn StreamStore> {
        &self.parts.store
    }

    /// Live streams.
    pub fn channels(&self) -> &Arc<Channels> {
        &self.parts.channels
    }

    /// Credentials.
    pub fn access(&self) -> &Access {
        &self.parts.access
    }

    /// The agents.
    pub fn agents(&self) -> &Agents {
        &self.parts.agents
    }

    /// The turn engine.
    pub fn turns(&self) -> &Turns {
        &self.parts.turns
    }

    /// Counters.
    pub fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    /// Unix milliseconds.
    pub fn now(&self) -> u64 {
        self.parts.clock.unix_millis()
    }

    /// 128 random bits.
    pub fn entropy(&self) -> u128 {
        self.parts.entropy.next_u128()
    }

    /// The session called `name` in the caller's environment.
    pub async fn locate(&self, principal: &Principal, name: &str) -> Result<Located> {
        locate(&*self.parts.store, &principal.environment, name).await
    }
}
