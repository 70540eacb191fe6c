//! The records of one stream, as the batches they were committed in.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_protocol::Record;
use tidegate_protocol::ids::StreamId;

/// Batches of one stream, shared with the commit listener.
#[derive(Debug)]
pub(super) struct Batches {
    pub(super) id: StreamId,
    /// Oldest first; none is empty.
    batches: VecDeque<Arc<[Record]>>,
}

impl Batches {
    pub(super) fn new(id: StreamId) -> Self {
        Self { id, batches: VecDeque::new() }
    }

    pub(super) fn push(&mut self, batch: Arc<[Record]>) {
        debug_assert!(!batch.is_empty());
        self.batches.push_back(batch);
    }

    /// Records from seq `from` on.
    pub(super) fn from(&self, from: u64) -> impl Iterator<Item = &Record> {
        let starts_at_or_before = |batch: &Arc<[Record]>| batch[0].seq_num <= from;
        let batch = self.batches.partition_point(starts_at_or_before).saturating_sub(1);
        let records = self.batches.range(batch..).flat_map(|batch| batch.iter());
        records.skip_while(move |record| record.seq_num < from)
    }

    /// Timestamp of the oldest record at or above `floor`.
    pub(super) fn oldest(&self, floor: u64) -> Option<u64> {
        self.from(floor).next().map(|record| record.timestamp)
    }

    /// Frees the batches that lie wholly below `floor`.
    pub(super) fn drop_below(&mut self, floor: u64) {
        let ends_below = |batch: &Arc<[Record]>| batch[batch.len() - 1].seq_num < floor;
        while self.batches.front().is_some_and(ends_below) {
            self.batches.pop_front();
        }
    }
}
