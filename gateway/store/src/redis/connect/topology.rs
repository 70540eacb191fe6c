//! Which primary serves a slot.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use redis::aio::MultiplexedConnection;

use super::dial::{ask, unreachable};
use super::error::ConnectError;
use super::live::{COMMAND_TIMEOUT, Live};
use super::node::{Finder, Maker, Node};
use super::slots::SlotMap;
use super::url::Address;

/// One primary, or those of a Cluster.
#[derive(Debug)]
pub(super) enum Topology {
    One(Arc<Node>),
    Cluster(Box<Cluster>),
}

/// The primaries of a Cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    maker: Maker,
    seeds: Vec<Address>,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    map: SlotMap,
    nodes: HashMap<Address, Arc<Node>>,
}

impl Topology {
    /// The primary of `slot`.
    pub(super) fn node(&self, slot: u16) -> Option<Arc<Node>> {
        match self {
            Self::One(node) => Some(Arc::clone(node)),
            Self::Cluster(cluster) => cluster.node(slot),
        }
    }

    /// The server at `address`.
    pub(super) fn at(&self, address: &Address) -> Option<Arc<Node>> {
        match self {
            Self::One(_) => None,
            Self::Cluster(cluster) => Some(cluster.node_at(address)),
        }
    }

    /// A server said where `slot` is.
    pub(super) fn moved(&self, slot: u16, address: &Address) {
        if let Self::Cluster(cluster) = self {
            cluster.state.write().map.moved(slot, address);
            cluster.maker.changes.send_modify(|count| *count += 1);
            cluster.maker.lost.notify_one();
        }
    }

    /// All primaries.
    pub(super) fn nodes(&self) -> Vec<Arc<Node>> {
        match self {
            Self::One(node) => vec![Arc::clone(node)],
            Self::Cluster(cluster) => cluster.state.read().nodes.values().cloned().collect(),
        }
    }
}

/// How often a Cluster is asked without a cause.
const REFRESH: Duration = Duration::from_secs(5);
/// Shortest time between two questions.
const REST: Duration = Duration::from_millis(50);

impl Cluster {
    pub(super) fn new(maker: Maker, seeds: Vec<Address>) -> Self {
        Self { maker, seeds, state: RwLock::default() }
    }

    /// Asks over and over. Ends with the task that it runs in.
    pub(super) async fn follow(&self) {
        loop {
            let _ = tokio::time::timeout(REFRESH, self.maker.lost.notified()).await;
            self.refresh().await;
            tokio::time::sleep(REST).await;
        }
    }

    /// Checks the server at `seed`, and learns of the others.
    pub(super) async fn join(&self, seed: &Address) -> Result<(), ConnectError> {
        let opened = Live::open(&self.maker.dialer, seed, self.maker.wanted, &[]).await;
        let live = match opened {
            // The check of its mode came first: it is in a Cluster, and knows the primaries.
            Err(ConnectError::Replica { .. }) => return self.join_by_replica(seed).await,
            opened => opened?,
        };
        if self.learn(&live).await {
            return Ok(());
        }
        Err(unreachable(seed, "it does not know the slots"))
    }

    async fn join_by_replica(&self, seed: &Address) -> Result<(), ConnectError> {
        let (connection, _) = self.maker.dialer.dial(seed, |_| {}).await?;
        match slots(&connection, seed).await {
            Some(map) => {
                self.apply(map);
                Ok(())
            }
            None => Err(unreachable(seed, "it does not know the slots")),
        }
    }

    /// Takes over what `live` knows.
    async fn learn(&self, live: &Live) -> bool {
        let Some(map) = slots(&live.connection, &live.address).await else { return false };
        self.apply(map);
        true
    }

    async fn refresh(&self) {
        let nodes: Vec<_> = self.state.read().nodes.values().cloned().collect();
        for live in nodes.iter().filter_map(|node| node.live()) {
            if self.learn(&live).await {
                return;
            }
        }
        for seed in &self.seeds {
            // A seed may be a replica by now; it knows the slots all the same.
            let dialled = self.maker.dialer.dial(seed, |_| {}).await;
            let Ok((connection, _)) = dialled else { continue };
            if let Some(map) = slots(&connection, seed).await {
                return self.apply(map);
            }
        }
    }

    fn apply(&self, map: SlotMap) {
        let mut state = self.state.write();
        for address in map.primaries() {
            self.ensure(&mut state, address);
        }
        let changed = state.map != map;
        state.nodes.retain(|address, _| map.primaries().any(|primary| primary == address));
        state.map = map;
        drop(state);
        if changed {
            self.maker.changes.send_modify(|count| *count += 1);
        }
    }

    fn node(&self, slot: u16) -> Option<Arc<Node>> {
        let address = {
            let state = self.state.read();
            let address = state.map.primary(slot)?;
            if let Some(node) = state.nodes.get(address) {
                return Some(Arc::clone(node));
            }
            address.clone()
        };
        Some(self.node_at(&address))
    }

    fn node_at(&self, address: &Address) -> Arc<Node> {
        self.ensure(&mut self.state.write(), address)
    }

    fn ensure(&self, state: &mut State, address: &Address) -> Arc<Node> {
        let start = || Node::start(Finder::Fixed(address.clone()), self.maker.clone(), None);
        Arc::clone(state.nodes.entry(address.clone()).or_insert_with(start))
    }
}

async fn slots(connection: &MultiplexedConnection, asked: &Address) -> Option<SlotMap> {
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("SLOTS");
    SlotMap::parse(&ask(connection, &cmd, COMMAND_TIMEOUT).await.ok()?, asked)
}
