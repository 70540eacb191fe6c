//! The one face of all modes.

use std::sync::Arc;
use std::time::Duration;

use redis::FromRedisValue;
use tidegate_core::seams::Clock;
use tidegate_protocol::limits::{REDIS_CLOCK_INTERVAL_MS, REDIS_QUEUE_TIMEOUT_MS};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::call::{Call, Reply, Script, Served};
use super::clock::ServerClock;
use super::dial::Dialer;
use super::error::{CallError, ConnectError};
use super::info::Info;
use super::live::Wanted;
use super::node::{Finder, Maker, Node};
use super::reign::{BETWEEN, FIRST, Reign};
use super::send::Failure;
use super::topology::{Cluster, Topology};
use super::url::{Address, Mode, RedisUrl};

/// Connections to all primaries of a store. Clones share them.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: Arc<Inner>,
    /// Dropped with the last clone: ends what runs in the background.
    _tasks: Arc<JoinSet<()>>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) topology: Topology,
    pub(super) maker: Maker,
    clock: Arc<ServerClock>,
    /// The number of the store's first reign.
    first: u64,
}

const QUEUE_TIMEOUT: Duration = Duration::from_millis(REDIS_QUEUE_TIMEOUT_MS);
/// After this long without a connection, it is looked whether another server is the primary by now.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Pause before what a server can't do at the moment is asked for again.
const LATER: Duration = Duration::from_millis(10);

impl Connection {
    /// Connects, checks the server and loads the scripts.
    pub async fn open(
        url: RedisUrl,
        scripts: Vec<Arc<Script>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let maker = Maker {
            dialer: Dialer::new(&url)?,
            wanted: Wanted { cluster: matches!(url.mode, Mode::Cluster(_)) },
            scripts: scripts.into(),
            wait: url.wait,
            reigns: Arc::default(),
            lost: Arc::new(Notify::new()),
            changes: Arc::new(watch::Sender::new(0)),
        };
        let topology = open_topology(url.mode, &maker).await?;
        let clock = Arc::new(ServerClock::new(clock));
        let mut inner = Inner { topology, maker, clock, first: 0 };
        inner.first = inner.first_reign().await?;
        let inner = Arc::new(inner);
        inner.measure().await;
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&inner).keep_time());
        tasks.spawn(Arc::clone(&inner).follow());
        Ok(Self { inner, _tasks: Arc::new(tasks) })
    }

    /// Runs a call on the primary of its slot. Calls of all callers are pipelined on one
    /// connection; those of one caller keep their order if they are polled in it. What was sent
    /// and may have been done is not sent again.
    pub async fn run(&self, call: Call) -> Result<Reply, CallError> {
        self.inner.run(&call).await
    }

    /// Waits until the write that `served` answered, and all before it, are on as many replicas as
    /// the URL's `wait` says. Without `wait`, at once. After an error they may be or not.
    pub async fn barrier(&self, served: &Served) -> Result<(), CallError> {
        let Some(wait) = self.inner.maker.wait else { return Ok(()) };
        let node = self.inner.topology.node(served.slot);
        let node = node.ok_or_else(|| CallError::Unknown("its primary is gone".to_owned()))?;
        node.shared.barrier.pass(served, wait).await.map_err(CallError::Unknown)
    }

    /// Whether the URL has `wait`.
    pub fn waits(&self) -> bool {
        self.inner.maker.wait.is_some()
    }

    /// The reign of the primary that serves `slot` as far as is known; no round trip. `None` while
    /// there is no connection to it.
    pub fn reign(&self, slot: u16) -> Option<Reign> {
        Some(self.inner.topology.node(slot)?.live()?.reign())
    }

    /// Whether who served a call is still the primary, under the same reign.
    pub fn still_serves(&self, served: &Served) -> bool {
        let live = self.inner.topology.node(served.slot).and_then(|node| node.live());
        live.is_some_and(|live| live.is_under(&served.reign))
    }

    /// How many reigns that may have lost something went before `reign` in this store.
    pub fn reigns_before(&self, reign: &Reign) -> u64 {
        reign.number.saturating_sub(self.inner.first)
    }

    /// The servers' time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.clock) as Arc<dyn Clock>
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

async fn open_topology(mode: Mode, maker: &Maker) -> Result<Topology, ConnectError> {
    let finder = match mode {
        Mode::Single(address) => Finder::Fixed(address),
        Mode::Sentinel { sentinels, service } => {
            Finder::Sentinel { dialer: maker.dialer.for_sentinels(), sentinels, service }
        }
        Mode::Cluster(seeds) => return open_cluster(seeds, maker).await,
    };
    let first = finder.connect(maker).await?;
    Ok(Topology::One(Node::start(finder, maker.clone(), Some(first))))
}

async fn open_cluster(seeds: Vec<Address>, maker: &Maker) -> Result<Topology, ConnectError> {
    let cluster = Cluster::new(maker.clone(), seeds.clone());
    let mut failed = None;
    for seed in seeds {
        match cluster.join(&seed).await {
            Ok(()) => return Ok(Topology::Cluster(Box::new(cluster))),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.expect("a URL has an address"))
}

fn no_reign(error: impl ToString) -> ConnectError {
    ConnectError::Unreachable { server: "the Cluster".to_owned(), reason: error.to_string() }
}

impl Inner {
    async fn run(&self, call: &Call) -> Result<Reply, CallError> {
        let deadline = Instant::now() + QUEUE_TIMEOUT;
        let mut asked = None;
        loop {
            let asking = asked.is_some();
            let node = match asked.take() {
                Some(address) => self.topology.at(&address),
                None => self.topology.node(call.slot()),
            };
            let look = deadline.min(Instant::now() + LOOK_AGAIN);
            let outcome = match &node {
                Some(node) => node.shared.call(call, asking, look, deadline).await,
                None => Err(Failure::Later("no primary serves the slot".to_owned())),
            };
            let late = Instant::now() >= deadline;
            match outcome {
                Ok(reply) => return Ok(reply),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Moved(address)) if !late => {
                    self.topology.moved(call.slot(), &address);
                }
                Err(Failure::Ask(address)) if !late => asked = Some(address),
                Err(Failure::Later(_)) if !late => {
                    self.maker.lost.notify_one();
                    tokio::time::sleep(LATER).await;
                }
                Err(Failure::Down(_)) if !late => {}
                Err(Failure::Down(why)) => {
                    node.iter().for_each(|node| node.shared.count_down());
                    return Err(CallError::NotDone(why));
                }
                Err(Failure::Later(why)) => return Err(CallError::NotDone(why)),
                Err(Failure::Moved(_) | Failure::Ask(_)) => {
                    return Err(CallError::NotDone("the slot is on the move".to_owned()));
                }
            }
        }
    }

    /// A Cluster's failovers are counted from its own beginning, not from the store's.
    async fn first_reign(&self) -> Result<u64, ConnectError> {
        let Topology::Cluster(_) = &self.topology else { return Ok(0) };
        let info = self.run(&Call::at(0, "CLUSTER").arg("INFO")).await.map_err(no_reign)?;
        let epoch = Info::parse(&info.value).get("cluster_current_epoch").parse::<u64>();
        let first = epoch.map_err(no_reign)?.saturating_mul(BETWEEN);
        let noted = Call::command("SET", FIRST).arg(first).arg("NX").arg("GET");
        let noted = self.run(&noted).await.map_err(no_reign)?.value;
        Ok(Option::<u64>::from_redis_value(noted).map_err(no_reign)?.unwrap_or(first))
    }

    async fn measure(&self) {
        let before = self.clock.local_millis();
        if let Ok(reply) = self.run(&Call::at(0, "TIME")).await {
            self.clock.set(reply.value, before, self.clock.local_millis());
        }
    }

    async fn keep_time(self: Arc<Self>) {
        let interval = Duration::from_millis(REDIS_CLOCK_INTERVAL_MS);
        let mut changes = self.maker.changes.subscribe();
        loop {
            let _ = tokio::time::timeout(interval, changes.changed()).await;
            self.measure().await;
        }
    }

    async fn follow(self: Arc<Self>) {
        if let Topology::Cluster(cluster) = &self.topology {
            cluster.follow().await;
        }
    }
}
