//! The channels that have followers on this node.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tidegate_protocol::Record;
use tidegate_protocol::ids::StreamId;

use super::follower::Follower;
use super::live::LiveChannel;
use crate::seams::StreamStore;
use crate::seams::store::CommitListener;

const SHARDS: usize = 64;

type Shard = Mutex<HashMap<StreamId, Weak<LiveChannel>>>;

/// Finds or makes live channels, and hands them what the store commits.
#[derive(Debug)]
pub struct Channels {
    shards: Box<[Shard]>,
    hasher: std::hash::RandomState,
}

impl Default for Channels {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: std::hash::RandomState::new(),
        }
    }
}

impl Channels {
    /// Follows `stream` from seq `from` (inclusive).
    pub fn follow(
        self: &Arc<Self>,
        store: Arc<dyn StreamStore>,
        stream: StreamId,
        from: u64,
    ) -> Follower {
        let live = self.live(&*store, &stream);
        Follower::new(Arc::clone(self), live, store, stream, from)
    }

    /// How many channels are live.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Is no channel live?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn live(&self, store: &dyn StreamStore, stream: &StreamId) -> Arc<LiveChannel> {
        if let Some(live) = self.find(stream) {
            return live;
        }
        // Made without the lock: the store has locks of its own, under which it may tell of
        // commits. Its one that is not needed after all is dropped without the lock, too.
        let made = Arc::new(LiveChannel::new(store.watch(stream)));
        let mut shard = self.shard(stream).lock();
        if let Some(live) = shard.get(stream).and_then(Weak::upgrade) {
            drop(shard);
            return live;
        }
        shard.insert(stream.clone(), Arc::downgrade(&made));
        made
    }

    fn find(&self, stream: &StreamId) -> Option<Arc<LiveChannel>> {
        self.shard(stream).lock().get(stream).and_then(Weak::upgrade)
    }

    /// Forgets `stream` if its last follower has gone.
    pub(super) fn forget(&self, stream: &StreamId) {
        let mut shard = self.shard(stream).lock();
        if shard.get(stream).is_some_and(|live| live.strong_count() == 0) {
            shard.remove(stream);
        }
    }

    fn shard(&self, stream: &StreamId) -> &Shard {
        &self.shards[self.hasher.hash_one(stream) as usize % SHARDS]
    }
}

impl CommitListener for Channels {
    fn committed(&self, stream: &StreamId, records: &Arc<[Record]>) {
        if let Some(live) = self.find(stream) {
            live.push(records);
        }
    }
}
