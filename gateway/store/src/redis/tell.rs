//! Tells the listener of commits, in order within a stream.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tidegate_core::seams::store::CommitListener;
use tidegate_protocol::Record;
use tidegate_protocol::ids::StreamId;

/// A power of two, well above the number of threads that commit at once.
const SHARDS: usize = 64;
/// Streams remembered per shard; those that nobody watches are forgotten first.
const SHARD_STREAMS_MAX: usize = 4_096;

/// What the listener was told.
#[derive(Debug)]
pub(super) struct Teller {
    listener: OnceLock<Arc<dyn CommitListener>>,
    hasher: RandomState,
    shards: Box<[Mutex<HashMap<StreamId, Told>>]>,
}

/// How far one stream was told.
#[derive(Debug, Default)]
struct Told {
    /// Seq of the next record; nothing was told where there is none.
    next: Option<u64>,
    /// What came too early, by first seq.
    early: BTreeMap<u64, Arc<[Record]>>,
    /// Somebody tells the listener of this stream.
    telling: bool,
    watches: usize,
}

impl Teller {
    pub(super) fn new() -> Self {
        Self {
            listener: OnceLock::new(),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    pub(super) fn set(&self, listener: Arc<dyn CommitListener>) {
        // A second one is ignored, as the seam says.
        let _ = self.listener.set(listener);
    }

    pub(super) fn is_heard(&self) -> bool {
        self.listener.get().is_some()
    }

    /// Tells of a batch that this process committed. `true`: the listener misses records before
    /// it, which are to be read first.
    pub(super) fn own(&self, stream: &StreamId, records: Arc<[Record]>) -> bool {
        let Some(listener) = self.listener.get() else { return false };
        let Some(first) = records.first().map(|record| record.seq_num) else { return false };
        let mut shard = self.shard(stream);
        if shard.len() >= SHARD_STREAMS_MAX {
            shard.retain(|_, told| told.is_needed());
        }
        if !shard.contains_key(stream) {
            shard.insert(stream.clone(), Told::default());
        }
        let Some(told) = shard.get_mut(stream) else { return false };
        told.next.get_or_insert(first);
        told.early.insert(first, records);
        drop(shard);
        self.tell(stream, listener)
    }

    /// Tells of records that were read from where the listener stands; gives where it stands now.
    pub(super) fn read(&self, stream: &StreamId, records: &[Record]) -> Option<u64> {
        let listener = self.listener.get()?;
        let mut shard = self.shard(stream);
        let told = shard.get_mut(stream)?;
        let next = told.next?;
        let new = records.partition_point(|record| record.seq_num < next);
        if let Some(first) = records[new..].first().map(|record| record.seq_num) {
            // What lay before the first one is no longer there.
            told.next = Some(first);
            told.early.insert(first, records[new..].into());
        }
        drop(shard);
        self.tell(stream, listener);
        self.next(stream)
    }

    /// Tells what continues; `true`: what comes after it can't be told yet. The listener is called
    /// without the lock, because it has locks of its own, under which streams are watched.
    fn tell(&self, stream: &StreamId, listener: &Arc<dyn CommitListener>) -> bool {
        let mut mine = false;
        loop {
            let mut shard = self.shard(stream);
            let Some(told) = shard.get_mut(stream) else { return false };
            if told.telling && !mine {
                return told.misses_some();
            }
            let batch = told.take();
            mine = batch.is_some();
            told.telling = mine;
            let Some(batch) = batch else { return told.misses_some() };
            drop(shard);
            listener.committed(stream, &batch);
        }
    }

    /// Counts a watch; `true` for the first of a stream.
    pub(super) fn watch(&self, stream: &StreamId) -> bool {
        let mut shard = self.shard(stream);
        let told = shard.entry(stream.clone()).or_default();
        told.watches += 1;
        told.watches == 1
    }

    /// A watch ended; `true` for the last of a stream.
    pub(super) fn unwatch(&self, stream: &StreamId) -> bool {
        let mut shard = self.shard(stream);
        let Some(told) = shard.get_mut(stream) else { return false };
        told.watches = told.watches.saturating_sub(1);
        let is_last = told.watches == 0;
        if !told.is_needed() {
            // Whoever watches it again starts from what it then reads.
            shard.remove(stream);
        }
        is_last
    }

    /// Says where a stream stands that was not told of before.
    pub(super) fn start(&self, stream: &StreamId, tail: u64) {
        if let Some(told) = self.shard(stream).get_mut(stream) {
            told.next.get_or_insert(tail);
        }
    }

    pub(super) fn is_watched(&self, stream: &StreamId) -> bool {
        self.shard(stream).get(stream).is_some_and(|told| told.watches > 0)
    }

    /// Seq of the first record that the listener has not heard of.
    pub(super) fn next(&self, stream: &StreamId) -> Option<u64> {
        self.shard(stream).get(stream)?.next
    }

    fn shard(&self, stream: &StreamId) -> parking_lot::MutexGuard<'_, HashMap<StreamId, Told>> {
        self.shards[self.hasher.hash_one(stream) as usize % SHARDS].lock()
    }
}

impl Told {
    /// The next batch to tell of.
    fn take(&mut self) -> Option<Arc<[Record]>> {
        let next = self.next?;
        loop {
            let entry = self.early.first_entry().filter(|entry| *entry.key() <= next)?;
            let records = entry.remove();
            // Some that were read in the meantime have been told.
            let new = records.partition_point(|record| record.seq_num < next);
            if let Some(last) = records[new..].last() {
                self.next = Some(last.seq_num + 1);
                return Some(if new == 0 { records } else { records[new..].into() });
            }
        }
    }

    fn misses_some(&self) -> bool {
        self.early.keys().next().is_some_and(|first| Some(*first) > self.next)
    }

    fn is_needed(&self) -> bool {
        self.watches > 0 || self.telling || !self.early.is_empty()
    }
}
