//! Several gateways in this process over one store in memory.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_core::access::{Access, Environment};
use tidegate_core::agents::{Agent, Agents, Service};
use tidegate_core::channels::Channels;
use tidegate_core::gateway::{Gateway, Parts};
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::Retention;
use tidegate_core::seams::{Clock, Fleet};
use tidegate_core::turns::TurnLimits;
use tidegate_store::servers::Redis;
use tidegate_store::{ListenableStore, MemoryFleet, MemoryStore};

use crate::harness::{Chat, entropy};

/// A fleet.
pub(crate) struct Nodes {
    store: Arc<MemoryStore>,
    pub(crate) hub: Arc<MemoryFleet>,
    born: u64,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self::keeping(Retention::default())
    }

    pub(crate) fn keeping(retention: Retention) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Arc::new(MemoryStore::new(clock, retention, None));
        let hub = MemoryFleet::over(&store);
        Self { store, hub, born: 0 }
    }

    /// A new gateway, called `name`.
    pub(crate) async fn start(&mut self, name: &str) -> Gateway {
        self.born += 1;
        let node = Arc::new(self.hub.join(name, &self.store));
        let store: Arc<dyn ListenableStore> = Arc::clone(&node) as _;
        gateway(store, Some(node), self.born).await
    }

    /// The gateway `name` dies as a killed process does.
    pub(crate) fn kill(&self, name: &str, gateway: &Gateway) {
        // Its tasks end first, so that what it says dies with it.
        gateway.turns().abort();
        self.hub.kill(name);
    }
}

/// A gateway of `fleet` over `store`, the `born`th of its test.
pub(crate) async fn gateway(
    store: Arc<dyn ListenableStore>,
    fleet: Option<Arc<dyn Fleet>>,
    born: u64,
) -> Gateway {
    let channels = Arc::new(Channels::default());
    store.set_listener(Arc::<Channels>::clone(&channels));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let backend = |table: Value| {
        let backend = tidegate_agents::build("demo", "demo", table).expect("a right table");
        Agent::turns(backend, false)
    };
    let linked = Agent { service: Service::Awaited, stop_on_disconnect: false, head_start: None };
    let agents = HashMap::from([
        ("demo".to_owned(), backend(json!({"words_per_second": 0}))),
        ("linked".to_owned(), linked),
    ]);
    let access =
        Access::new(vec![Environment::new("dev", vec!["tr_dev_root".to_owned()])], clock.clone());
    let gateway = Gateway::new(Parts {
        store,
        channels,
        access,
        agents: Agents::new(agents),
        limits: TurnLimits::default(),
        clock,
        entropy: entropy(born << 32),
        fleet,
    });
    gateway.recall_agents().await.expect("the store can be read");
    gateway.join_fleet();
    gateway
}

/// A gateway whose store is `server`, the `born`th of its test.
pub(crate) async fn over_redis(server: &Redis, born: u64) -> Gateway {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (retention, node) = (Retention::default(), format!("node{born}"));
    let opened = tidegate_store::open_shared(&server.url(), clock, retention, node).await;
    let opened = opened.expect("it is up");
    gateway(opened.store, opened.fleet, born).await
}

/// The session `name` as a client of `gateway` sees it.
pub(crate) fn at(gateway: &Gateway, name: &str) -> Chat {
    Chat::of(gateway.clone(), name)
}
