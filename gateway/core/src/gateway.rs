//! The engine's front: what transports call. Cheap to clone.

use std::sync::{Arc, Weak};

use tidegate_protocol::ids::SessionKey;
use tracing::warn;

use crate::access::{Access, Principal};
use crate::agents::{Agents, Service};
use crate::channels::Channels;
use crate::drivers::Common;
use crate::error::Result;
use crate::fleet::Serving;
use crate::metrics::Metrics;
use crate::runs::{RunLimits, Runs};
use crate::seams::{Clock, Entropy, Fleet, StreamStore};
use crate::sessions::locate::{Located, locate, recall};
use crate::sessions::row::SessionRow;
use crate::turns::{TurnLimits, Turns};
use crate::workers::Workers;

/// Before a session is handed on while this gateway drains: two that drain must not spin.
const HAND_ON_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Everything that a request needs.
#[derive(Clone, Debug)]
pub struct Gateway {
    inner: Arc<Inner>,
}

/// What a gateway is made from.
#[derive(Debug)]
pub struct Parts {
    /// Where sessions live.
    pub store: Arc<dyn StreamStore>,
    /// Their live streams; must be the store's commit listener.
    pub channels: Arc<Channels>,
    /// Environments and tokens.
    pub access: Access,
    /// The agents of the configuration.
    pub agents: Agents,
    /// Time limits of turns.
    pub limits: TurnLimits,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Ids and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// The gateways that share the store.
    pub fleet: Option<Arc<dyn Fleet>>,
}

/// The parts, put together.
#[derive(Debug)]
pub(crate) struct Inner {
    store: Arc<dyn StreamStore>,
    channels: Arc<Channels>,
    access: Arc<Access>,
    agents: Arc<Agents>,
    turns: Turns,
    workers: Arc<Workers>,
    runs: Runs,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: Arc<Metrics>,
    serving: Arc<Serving>,
}

impl Gateway {
    /// Builds the engines on the parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, channels, access, agents, limits, clock, entropy, fleet } = parts;
        let (access, agents) = (Arc::new(access), Arc::new(agents));
        let metrics = Arc::new(Metrics::default());
        let serving = Arc::new(Serving::new(fleet, Arc::clone(&entropy)));
        let workers = Arc::new(Workers::new(
            Arc::clone(&agents),
            Arc::clone(&access),
            Arc::clone(&entropy),
            Arc::clone(&serving),
        ));
        let common = Common {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            metrics: Arc::clone(&metrics),
            serving: Arc::clone(&serving),
        };
        let turns = Turns::new(common.clone(), Arc::clone(&agents), limits);
        let run_limits = RunLimits { idle_ms: limits.idle_ms };
        let runs = Runs::new(
            common,
            Arc::clone(&workers),
            Arc::clone(&agents),
            Arc::clone(&access),
            run_limits,
        );
        let inner = Inner {
            store,
            channels,
            access,
            agents,
            turns,
            workers,
            runs,
            clock,
            entropy,
            metrics,
            serving,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn StreamStore> {
        &self.inner.store
    }

    /// Live streams.
    pub fn channels(&self) -> &Arc<Channels> {
        &self.inner.channels
    }

    /// Credentials.
    pub fn access(&self) -> &Access {
        &self.inner.access
    }

    /// The agents.
    pub fn agents(&self) -> &Agents {
        &self.inner.agents
    }

    /// The turn engine.
    pub fn turns(&self) -> &Turns {
        &self.inner.turns
    }

    /// Agents in other processes.
    pub fn workers(&self) -> &Arc<Workers> {
        &self.inner.workers
    }

    /// The runs of agents that have their own loop.
    pub fn runs(&self) -> &Runs {
        &self.inner.runs
    }

    /// Which gateway serves a session.
    pub fn serving(&self) -> &Arc<Serving> {
        &self.inner.serving
    }

    pub(crate) fn downgrade(&self) -> Weak<Inner> {
        Arc::downgrade(&self.inner)
    }

    pub(crate) fn upgrade(inner: &Weak<Inner>) -> Option<Self> {
        inner.upgrade().map(|inner| Self { inner })
    }

    /// Tells whoever serves the session that it may have new input. Never blocks; a hint.
    pub fn wake(&self, session: &SessionKey, row: &Arc<SessionRow>) {
        let is_here = self.turns().has(session) || self.runs().has(session);
        if self.turns().is_draining() && !is_here {
            let (serving, session) = (Arc::clone(self.serving()), session.clone());
            tokio::spawn(async move {
                tokio::time::sleep(HAND_ON_PAUSE).await;
                serving.hand_on(&session).await;
            });
            return;
        }
        match self.agents().find(&row.environment, &row.agent).map(|agent| agent.service) {
            Some(Service::Turns(_)) => self.turns().poke(session, row),
            Some(Service::Runs { .. }) => self.runs().poke(session, row),
            Some(Service::Awaited) => {}
            None => warn!(session = session.as_str(), agent = row.agent, "no such agent"),
        }
    }

    /// Counters.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Unix milliseconds.
    pub fn now(&self) -> u64 {
        self.inner.clock.unix_millis()
    }

    /// 128 random bits.
    pub fn entropy(&self) -> u128 {
        self.inner.entropy.next_u128()
    }

    /// The session called `name` in the caller's environment, as it was a moment ago.
    pub(crate) async fn recall(&self, principal: &Principal, name: &str) -> Result<Located> {
        recall(&*self.inner.store, &principal.environment, name).await
    }

    /// The session called `name` in the caller's environment.
    pub async fn locate(&self, principal: &Principal, name: &str) -> Result<Located> {
        locate(&*self.inner.store, &principal.environment, name).await
    }
}
