//! One live channel: the ring and the wakers of its followers, behind one short lock.

use std::sync::Arc;
use std::task::Waker;

use parking_lot::Mutex;
use tidegate_protocol::Record;
use tidegate_protocol::limits::{RING_MAX_BATCHES, RING_MAX_BYTES};

use super::batch::Batch;
use super::ring::{Lookup, Ring};
use crate::seams::store::Watch;

/// The live form of a stream on this node, while it has followers.
#[derive(Debug)]
pub(super) struct LiveChannel {
    state: Mutex<State>,
    /// Brings what other gateways commit.
    _watch: Option<Box<dyn Watch>>,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    /// One slot per follower; a follower that is not waiting has none in its slot.
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl LiveChannel {
    pub(super) fn new(watch: Option<Box<dyn Watch>>) -> Self {
        let ring = Ring::new(RING_MAX_BYTES, RING_MAX_BATCHES);
        let state = Mutex::new(State { ring, wakers: Vec::new(), free: Vec::new() });
        Self { state, _watch: watch }
    }

    /// A slot for a follower's waker.
    pub(super) fn join(&self) -> usize {
        let mut state = self.state.lock();
        state.free.pop().unwrap_or_else(|| {
            state.wakers.push(None);
            state.wakers.len() - 1
        })
    }

    /// Gives the slot back.
    pub(super) fn leave(&self, slot: usize) {
        let mut state = self.state.lock();
        state.wakers[slot] = None;
        state.free.push(slot);
    }

    /// Adds committed records and wakes the followers that wait.
    pub(super) fn push(&self, records: &Arc<[Record]>) {
        let batch = Arc::new(Batch::new(Arc::clone(records)));
        let mut woken = [const { None }; 8];
        let mut more = Vec::new();
        {
            let mut state = self.state.lock();
            state.ring.push(batch);
            let waiting = state.wakers.iter_mut().filter_map(Option::take);
            for (index, waker) in waiting.enumerate() {
                match woken.get_mut(index) {
                    Some(place) => *place = Some(waker),
                    None => more.push(waker),
                }
            }
        }
        // Outside the lock: a woken follower takes it at once.
        woken.into_iter().flatten().chain(more).for_each(Waker::wake);
    }

    /// Where the ring starts, while it holds anything.
    pub(super) fn start(&self) -> Option<u64> {
        self.state.lock().ring.start()
    }

    /// Where the ring ends, while it holds anything.
    pub(super) fn end(&self) -> Option<u64> {
        self.state.lock().ring.end()
    }

    /// Looks `cursor` up; where there is nothing yet, leaves `waker` in `slot`.
    ///
    /// `at_tail` is the seq at which the store had nothing more: a ring that ends before it, or is
    /// empty, then means that there is nothing yet, for commits reach the ring from the moment it
    /// is registered. (A cursor beyond the tail waits, R-CUR-4.)
    pub(super) fn poll(
        &self,
        slot: usize,
        cursor: u64,
        at_tail: Option<u64>,
        waker: &Waker,
    ) -> Lookup {
        let mut state = self.state.lock();
        let found = match state.ring.lookup(cursor) {
            Lookup::AskStore
                if at_tail == Some(cursor) && state.ring.end().is_none_or(|end| end < cursor) =>
            {
                Lookup::AtEnd
            }
            found => found,
        };
        if matches!(found, Lookup::AtEnd) {
            match &mut state.wakers[slot] {
                Some(old) => old.clone_from(waker),
                empty => *empty = Some(waker.clone()),
            }
        }
        found
    }
}
