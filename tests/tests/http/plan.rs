//! What a gateway under test is made of.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_core::access::{Access, Environment};
use tidegate_core::agents::{Agent, Agents};
use tidegate_core::channels::Channels;
use tidegate_core::gateway::{Gateway, Parts};
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{Retention, StreamStore};
use tidegate_core::seams::{Clock, Entropy};
use tidegate_core::turns::TurnLimits;

use crate::harness::{FOREIGN_KEY, KEY, ROOT_KEY};

/// A store URL, retention rules, a clock, and agents besides the demos.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) retention: Retention,
    pub(crate) clock: Arc<dyn Clock>,
    /// Id, backend and table of further agents.
    pub(crate) agents: Vec<(&'static str, &'static str, Value)>,
    /// Ids do not repeat between gateways on one store.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            url: "memory:".to_owned(),
            retention: Retention::default(),
            clock: Arc::new(SystemClock),
            agents: Vec::new(),
            entropy: Arc::new(Counter(AtomicU64::new(1))),
        }
    }
}

impl Plan {
    /// On a new disk store, which goes with the folder.
    pub(crate) fn on_disk() -> (Self, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("disk:{}", folder.path().join("data").display());
        (Self { url, ..Self::default() }, folder)
    }

    pub(crate) fn gateway(&self) -> Gateway {
        let (clock, entropy) = (Arc::clone(&self.clock), Arc::clone(&self.entropy));
        let store = tidegate_store::open(&self.url, Arc::clone(&clock), self.retention);
        let store = store.expect("the store opens");
        let channels = Arc::new(Channels::default());
        store.set_listener(Arc::<Channels>::clone(&channels));
        let store: Arc<dyn StreamStore> = store;
        let agents = self.agents();
        let environment = |name, keys: &[&str]| {
            Environment::new(name, keys.iter().map(|key| (*key).to_owned()).collect())
        };
        let environments =
            vec![environment("dev", &[KEY, ROOT_KEY]), environment("prod", &[FOREIGN_KEY])];
        let access = Access::new(environments, Arc::clone(&clock));
        let limits = TurnLimits::default();
        Gateway::new(Parts { store, channels, access, agents, limits, clock, entropy, fleet: None })
    }

    fn agents(&self) -> Agents {
        let agent = |id: &str, backend: &str, table: Value, stop_on_disconnect| {
            let backend = tidegate_agents::build(backend, id, table).expect("a right table");
            (id.to_owned(), Agent::turns(backend, stop_on_disconnect))
        };
        let fast = json!({"words_per_second": 0});
        let demos = [("demo", false), ("other", false), ("fragile", true)];
        let demos = demos.map(|(id, stops)| agent(id, "demo", fast.clone(), stops));
        let more = self.agents.iter();
        let more = more.map(|(id, backend, table)| agent(id, backend, table.clone(), false));
        Agents::new(demos.into_iter().chain(more).collect::<HashMap<_, _>>())
    }
}

/// A clock that a test moves on.
#[derive(Debug, Default)]
pub(crate) struct AheadBy(AtomicU64);

impl AheadBy {
    pub(crate) fn pass_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for AheadBy {
    fn unix_millis(&self) -> u64 {
        SystemClock.unix_millis() + self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Counter(AtomicU64);

const SPREAD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;

impl Entropy for Counter {
    fn next_u128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)).wrapping_mul(SPREAD)
    }
}
