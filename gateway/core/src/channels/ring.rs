//! The ring: the newest batches of a stream, bounded in bytes and batches. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::Batch;

/// What a cursor finds in the ring.
#[derive(Debug)]
pub enum Lookup {
    /// The batch that holds the cursor.
    Batch(Arc<Batch>),
    /// The cursor is at the ring's end: nothing to read yet.
    AtEnd,
    /// The ring does not reach down (or up) to the cursor: ask the store.
    AskStore,
}

/// Newest batches, dense from [`Ring::start`] to [`Ring::end`].
#[derive(Debug)]
pub struct Ring {
    batches: VecDeque<Arc<Batch>>,
    bytes: usize,
    max_bytes: usize,
    max_batches: usize,
}

impl Ring {
    /// An empty ring with bounds.
    pub fn new(max_bytes: usize, max_batches: usize) -> Self {
        Self { batches: VecDeque::new(), bytes: 0, max_bytes, max_batches }
    }

    /// Adds a batch. One that does not continue the ring (a lost wake-up, a new epoch) starts it
    /// anew: followers in the gap then ask the store.
    pub fn push(&mut self, batch: Arc<Batch>) {
        if self.end().is_some_and(|end| end != batch.first()) {
            self.batches.clear();
            self.bytes = 0;
        }
        self.bytes += batch.bytes();
        self.batches.push_back(batch);
        while self.batches.len() > 1
            && (self.bytes > self.max_bytes || self.batches.len() > self.max_batches)
        {
            if let Some(oldest) = self.batches.pop_front() {
                self.bytes -= oldest.bytes();
            }
        }
    }

    /// What `cursor` (the next seq wanted) finds.
    pub fn lookup(&self, cursor: u64) -> Lookup {
        let (Some(first), Some(last)) = (self.batches.front(), self.batches.back()) else {
            return Lookup::AskStore;
        };
        if cursor == last.end() {
            return Lookup::AtEnd;
        }
        if cursor < first.first() || cursor > last.end() {
            return Lookup::AskStore;
        }
        // A live follower wants the newest.
        if cursor >= last.first() {
            return Lookup::Batch(Arc::clone(last));
        }
        let index = self.batches.partition_point(|batch| batch.end() <= cursor);
        Lookup::Batch(Arc::clone(&self.batches[index]))
    }

    /// Seq of the oldest record; `None` while empty.
    pub fn start(&self) -> Option<u64> {
        self.batches.front().map(|batch| batch.first())
    }

    /// Seq after the newest record; `None` while empty.
    pub fn end(&self) -> Option<u64> {
        self.batches.back().map(|batch| batch.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_protocol::NewRecord;

    fn batch(first: u64, count: u64) -> Arc<Batch> {
        let records: Vec<_> =
            (first..first + count).map(|seq| NewRecord::data(b"1", "x").at(seq, 0)).collect();
        Arc::new(Batch::new(records.into()))
    }

    fn first_found(ring: &Ring, cursor: u64) -> Option<u64> {
        match ring.lookup(cursor) {
            Lookup::Batch(batch) => Some(batch.first()),
            Lookup::AtEnd | Lookup::AskStore => None,
        }
    }

    #[test]
    fn a_cursor_finds_its_batch() {
        let mut ring = Ring::new(usize::MAX, 10);
        assert!(matches!(ring.lookup(0), Lookup::AskStore));
        ring.push(batch(5, 3));
        ring.push(batch(8, 1));
        assert!(matches!(ring.lookup(4), Lookup::AskStore));
        assert_eq!(first_found(&ring, 5), Some(5));
        assert_eq!(first_found(&ring, 7), Some(5));
        assert_eq!(first_found(&ring, 8), Some(8));
        assert!(matches!(ring.lookup(9), Lookup::AtEnd));
        assert!(matches!(ring.lookup(10), Lookup::AskStore));
    }

    #[test]
    fn bounds_drop_the_oldest_but_never_the_newest() {
        let mut ring = Ring::new(1, 10);
        ring.push(batch(0, 4));
        ring.push(batch(4, 4));
        assert!(matches!(ring.lookup(0), Lookup::AskStore));
        assert_eq!(first_found(&ring, 4), Some(4));
    }

    #[test]
    fn a_gap_starts_the_ring_anew() {
        let mut ring = Ring::new(usize::MAX, 10);
        ring.push(batch(0, 2));
        ring.push(batch(1 << 32, 1));
        assert!(matches!(ring.lookup(2), Lookup::AskStore));
        assert_eq!(first_found(&ring, 1 << 32), Some(1 << 32));
    }
}
