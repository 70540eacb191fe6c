//! The engine's front: what transports call. Cheap to clone.

use std::sync::Arc;

use tidegate_protocol::ids::SessionKey;
use tracing::warn;

use crate::access::{Access, Principal};
use crate::agents::{Agents, Service};
use crate::channels::Channels;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::runs::Runs;
use crate::seams::store::StoreError;
use crate::seams::{Clock, Entropy, StreamStore};
use crate::sessions::locate::{Located, locate};
use crate::sessions::row::SessionRow;
use crate::turns::Turns;
use crate::workers::Workers;

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
    pub access: Arc<Access>,
    /// The agents.
    pub agents: Arc<Agents>,
    /// The turn engine.
    pub turns: Turns,
    /// Agents in other processes.
    pub workers: Arc<Workers>,
    /// The runs of those that have their own loop.
    pub runs: Runs,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Ids and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Counters.
    pub metrics: Arc<Metrics>,
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

    /// Agents in other processes.
    pub fn workers(&self) -> &Arc<Workers> {
        &self.parts.workers
    }

    /// The runs of agents that have their own loop.
    pub fn runs(&self) -> &Runs {
        &self.parts.runs
    }

    /// Tells whoever serves the session that it may have new input. Never blocks; a hint.
    pub fn wake(&self, session: &SessionKey, row: &Arc<SessionRow>) {
        match self.agents().find(&row.environment, &row.agent).map(|agent| agent.service) {
            Some(Service::Turns(_)) => self.turns().poke(session, row),
            Some(Service::Runs { .. }) => self.runs().poke(session, row),
            Some(Service::Awaited) => {}
            None => warn!(session = session.as_str(), agent = row.agent, "no such agent"),
        }
    }

    /// Wakes every session with something owed: after a start, when agents come, and now and then.
    /// Returns how many were found.
    pub async fn wake_owing(&self) -> std::result::Result<usize, StoreError> {
        const PAGE: usize = 256;
        let (mut after, mut found) = (None, 0);
        loop {
            let page = self.store().sweep_owed(after, PAGE).await?;
            for session in &page {
                if let Some(row) = self.store().session(session).await? {
                    self.wake(session, &row);
                    found += 1;
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.clone()),
                _ => return Ok(found),
            }
        }
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
