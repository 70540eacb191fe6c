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
            shard.retain(|_, told| told.watches > 0 || !told.early.is_empty());
        }
        if !shard.contains_key(stream) {
            shard.insert(stream.clone(), Told::default());
        }
        let Some(told) = shard.get_mut(stream) else { return false };
        let next = told.next.get_or_insert(first);
        if *next == first && told.early.is_empty() {
            *next = first + records.len() as u64;
            listener.committed(stream, &records);
            return false;
        }
        told.early.insert(first, records);
        told.flush(stream, listener);
        !told.early.is_empty()
    }

    /// Tells of records that were read from where the listener stands; gives where it stands now.
    pub(super) fn read(&self, stream: &StreamId, records: &[Record]) -> Option<u64> {
        let listener = self.listener.get()?;
        let mut shard = self.shard(stream);
        let told = shard.get_mut(stream)?;
        let next = told.next?;
        let new = records.partition_point(|record| record.seq_num < next);
        if let Some(last) = records[new..].last() {
            told.next = Some(last.seq_num + 1);
            listener.committed(stream, &records[new..].into());
        }
        told.flush(stream, listener);
        told.next
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
        if is_last && told.early.is_empty() {
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
    /// Tells what continues.
    fn flush(&mut self, stream: &StreamId, listener: &Arc<dyn CommitListener>) {
        while let Some(entry) = self.early.first_entry() {
            let next = self.next.unwrap_or(0);
            if *entry.key() > next {
                return;
            }
            let (first, records) = entry.remove_entry();
            // One that was read in the meantime has been told.
            if first == next {
                self.next = Some(first + records.len() as u64);
                listener.committed(stream, &records);
            }
        }
    }
}
