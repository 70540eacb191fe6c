//! The agents of a gateway: those that the configuration names, and those that workers registered.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::head_start::HeadStart;
use crate::seams::{AgentBackend, ToolSchema};

/// The agents of a gateway, by environment and id.
#[derive(Debug, Default)]
pub struct Agents {
    /// Known in every environment.
    configured: HashMap<String, Agent>,
    /// Known where a worker registered them, whether or not one is connected now.
    registered: RwLock<HashMap<AgentKey, Registered>>,
}

/// An agent in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentKey {
    /// The environment's name.
    pub environment: Arc<str>,
    /// The agent's id.
    pub agent: Arc<str>,
}

/// One agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Who serves its sessions.
    pub service: Service,
    /// Does closing the socket of the AI SDK binding's request stop its turn (I5)?
    pub stop_on_disconnect: bool,
    /// Who makes the first step of an answer while a worker boots (R-HDS-11).
    pub head_start: Option<Arc<HeadStart>>,
}

/// What a worker registered.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Who serves its sessions.
    pub service: Service,
    /// Its version.
    pub version: String,
    /// What it takes over from a head start, if anything.
    pub takes_over: Option<TakesOver>,
}

/// What an agent takes over from a head start (R-HDS-22).
#[derive(Clone, Debug, PartialEq)]
pub struct TakesOver {
    /// Calls of its tools, not only text.
    pub calls: bool,
    /// Its tools.
    pub tools: Arc<[ToolSchema]>,
}

/// Who runs the turn loop of an agent's sessions.
#[derive(Clone, Debug)]
pub enum Service {
    /// The gateway; the backend gives one answer at a time.
    Turns(Arc<dyn AgentBackend>),
    /// A worker, in runs. `records`: its records come over the link, else over HTTP.
    Runs {
        /// Mode `runs` of the agent link, else mode `http`.
        records: bool,
    },
    /// No worker has said yet.
    Awaited,
}

impl Agent {
    /// An agent whose turns the gateway runs.
    pub fn turns(backend: Arc<dyn AgentBackend>, stop_on_disconnect: bool) -> Self {
        Self { service: Service::Turns(backend), stop_on_disconnect, head_start: None }
    }
}

impl AgentKey {
    /// The agent `agent` of `environment`.
    pub fn new(environment: &str, agent: &str) -> Self {
        Self { environment: environment.into(), agent: agent.into() }
    }
}

impl Agents {
    /// Those of the configuration, by id.
    pub fn new(configured: HashMap<String, Agent>) -> Self {
        Self { configured, registered: RwLock::default() }
    }

    /// The agent called `id` in `environment`.
    pub fn find(&self, environment: &str, id: &str) -> Option<Agent> {
        let configured = self.configured.get(id);
        if let Some(agent) = configured
            && !matches!(agent.service, Service::Awaited)
        {
            return Some(agent.clone());
        }
        let registered = self.registered.read().get(&AgentKey::new(environment, id)).cloned();
        let stop_on_disconnect = configured.is_some_and(|agent| agent.stop_on_disconnect);
        match registered {
            Some(Registered { service, .. }) => {
                Some(Agent { service, stop_on_disconnect, head_start: self.head_start(id) })
            }
            None => configured.cloned(),
        }
    }

    /// The head start that the configuration gives the agent called `id`, registered or not.
    pub fn head_start(&self, id: &str) -> Option<Arc<HeadStart>> {
        self.configured.get(id)?.head_start.clone()
    }

    /// What an agent takes over from a head start, as the worker registered it that came last. If
    /// that is not of `version`, where there is one, nobody knows.
    pub fn takes_over(&self, key: &AgentKey, version: Option<&str>) -> Option<TakesOver> {
        let registered = self.registered.read();
        let last = registered.get(key)?;
        version.is_none_or(|version| version == last.version).then(|| last.takes_over.clone())?
    }

    /// Is there an agent called `id` in `environment`?
    pub fn has(&self, environment: &str, id: &str) -> bool {
        self.configured.contains_key(id)
            || self.registered.read().contains_key(&AgentKey::new(environment, id))
    }

    /// May workers register `id`? Not if the configuration gives it to another backend (R-LNK-8).
    pub fn may_register(&self, id: &str) -> bool {
        self.configured.get(id).is_none_or(|agent| matches!(agent.service, Service::Awaited))
    }

    /// Did a worker register it?
    pub fn is_registered(&self, key: &AgentKey) -> bool {
        self.registered.read().contains_key(key)
    }

    /// A worker registered an agent. Answers whether that is news.
    pub fn register(&self, key: AgentKey, agent: Registered) -> bool {
        self.registered.write().insert(key, agent).is_none()
    }

    /// Every id in `environment`, sorted.
    pub fn ids(&self, environment: &str) -> Vec<String> {
        let registered = self.registered.read();
        let here = registered.keys().filter(|key| &*key.environment == environment);
        let mut ids: Vec<_> = here.map(|key| key.agent.to_string()).collect();
        ids.extend(self.configured.keys().cloned());
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.configured.len() + self.registered.read().len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
