//! Sharded pub/sub on connections of its own: one to each primary that has channels.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::connection::{Connection, Inner};
use super::node::Node;
use super::slot::slot_of;
use super::subscription::Subscription;

/// Hears what is published. Its calls must not block.
pub trait SubscriberListener: Send + Sync + std::fmt::Debug + 'static {
    /// A message came.
    fn message(&self, channel: &[u8], payload: &[u8]);

    /// The server confirmed a subscription, for the first time or again: what is published from
    /// now on comes. What was published before has to be read.
    fn subscribed(&self, channel: &[u8]) {
        let _ = channel;
    }

    /// Messages may have got lost, on any channel. All that could be are subscribed again.
    fn lost(&self);
}

/// Subscriptions. They end when it is dropped.
#[derive(Debug)]
pub struct Subscriber {
    shared: Arc<Channels>,
    manager: JoinHandle<()>,
}

/// What is to be subscribed to.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) inner: Arc<Inner>,
    pub(super) listener: Arc<dyn SubscriberListener>,
    wanted: Mutex<HashSet<Box<[u8]>>>,
    /// Channels that the servers said are subscribed, each with a number of its own.
    heard: Mutex<HashMap<Box<[u8]>, u64>>,
    subscriptions: AtomicU64,
    pub(super) version: watch::Sender<u64>,
}

impl Subscriber {
    /// Subscribes to nothing yet.
    pub fn new(connection: &Connection, listener: Arc<dyn SubscriberListener>) -> Self {
        let shared = Arc::new(Channels {
            inner: Arc::clone(connection.inner()),
            listener,
            wanted: Mutex::default(),
            heard: Mutex::default(),
            subscriptions: AtomicU64::new(0),
            version: watch::Sender::new(0),
        });
        let manager = tokio::spawn(manage(Arc::clone(&shared)));
        Self { shared, manager }
    }

    /// Subscribes to a channel, soon. Its slot is that of its name (hash tag).
    pub fn subscribe(&self, channel: &[u8]) {
        if self.shared.wanted.lock().insert(channel.into()) {
            self.shared.version.send_modify(|version| *version += 1);
        }
    }

    /// A number that stays the same as long as everything on `channel` is heard; `None` while it
    /// may not be. A connection that broke a moment ago may not be known yet; `lost` then follows.
    pub fn hears(&self, channel: &[u8]) -> Option<u64> {
        self.shared.heard.lock().get(channel).copied()
    }

    /// Ends a subscription, soon.
    pub fn unsubscribe(&self, channel: &[u8]) {
        if self.shared.wanted.lock().remove(channel) {
            self.shared.version.send_modify(|version| *version += 1);
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.manager.abort();
    }
}

impl Channels {
    /// `channel` is subscribed from now on.
    pub(super) fn hear(&self, channel: &[u8]) {
        let number = self.subscriptions.fetch_add(1, Ordering::Relaxed);
        self.heard.lock().insert(channel.into(), number);
    }

    /// These are not, or will not be.
    pub(super) fn unhear<'a>(&self, channels: impl IntoIterator<Item = &'a Box<[u8]>>) {
        let mut heard = self.heard.lock();
        for channel in channels {
            heard.remove(channel);
        }
    }

    /// The channels whose slot `node` serves.
    pub(super) fn of(&self, node: &Arc<Node>) -> HashSet<Box<[u8]>> {
        let serves = |channel: &[u8]| {
            let server = self.inner.topology.node(slot_of(channel));
            server.is_some_and(|server| Arc::ptr_eq(&server, node))
        };
        self.wanted.lock().iter().filter(|channel| serves(channel)).cloned().collect()
    }
}

/// A task for one node, ended when it is dropped.
#[derive(Debug)]
struct Serving {
    /// Kept, so that no other node gets its place in memory.
    _node: Arc<Node>,
    task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps one task for each node that there is.
async fn manage(shared: Arc<Channels>) {
    let mut changes = shared.inner.maker.changes.subscribe();
    let mut serving: HashMap<usize, Serving> = HashMap::new();
    loop {
        let nodes = shared.inner.topology.nodes();
        serving.retain(|at, _| nodes.iter().any(|node| Arc::as_ptr(node).addr() == *at));
        for node in nodes {
            let start = || {
                let subscription = Subscription::new(Arc::clone(&node), Arc::clone(&shared));
                Serving { _node: Arc::clone(&node), task: tokio::spawn(subscription.keep()) }
            };
            serving.entry(Arc::as_ptr(&node).addr()).or_insert_with(start);
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}
