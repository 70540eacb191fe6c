//! Workers that come back, drain or go.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tidegate_protocol::link::{Cause, HeldWork, codes};

use super::piece::Piece;
use super::pool::WorkerKey;
use super::registry::Workers;

impl Workers {
    /// A piece of work that the worker holds.
    pub(super) fn piece(&self, key: &WorkerKey, id: &str) -> Option<Arc<Piece>> {
        self.state.lock().workers.get(key)?.pieces.get(id).cloned()
    }

    /// A piece of work that both sides know: gives the highest seq that came.
    pub(super) fn resume(&self, key: &WorkerKey, held: &HeldWork) -> Option<u64> {
        Some(self.piece(key, &held.id)?.resume(held.seen))
    }

    /// Work that the worker does not know: sent again if it never began, else lost.
    pub(super) fn drop_unknown(&self, key: &WorkerKey, held: &[HeldWork]) {
        let held: HashSet<&str> = held.iter().map(|work| &*work.id).collect();
        let state = self.state.lock();
        let Some(entry) = state.workers.get(key) else { return };
        // Not what was handed to it since it came back.
        let unknown = |piece: &&Arc<Piece>| piece.is_awaited() && !held.contains(&*piece.id);
        let unknown: Vec<_> = entry.pieces.values().filter(unknown).cloned().collect();
        drop(state);
        for piece in unknown {
            piece.reopen();
        }
    }

    /// The worker takes no new work; what is parked leaves (R-LNK-15).
    pub(super) fn drain(&self, key: &WorkerKey) {
        let mut state = self.state.lock();
        state.pool.set_open(key, false);
        self.note_change();
        let Some(entry) = state.workers.get_mut(key) else { return };
        entry.draining = true;
        if entry.pieces.is_empty() {
            entry.outbox.close(codes::DONE, "drained");
        }
        let pieces: Vec<_> = entry.pieces.values().cloned().collect();
        for piece in pieces.iter().filter(|piece| piece.is_parked()) {
            state.parked.remove(piece);
            piece.ask_to_leave();
        }
    }

    /// The connection of `epoch` has ended. Was it the worker's newest?
    pub(super) fn detach(&self, key: &WorkerKey, epoch: u64) -> bool {
        let mut state = self.state.lock();
        let newest = state.workers.get_mut(key).filter(|entry| entry.epoch == epoch);
        let Some(entry) = newest else { return false };
        entry.connected = false;
        state.pool.set_open(key, false);
        self.note_change();
        true
    }

    /// The worker did not come back: everything that it held is lost.
    pub(super) fn lose(&self, key: &WorkerKey, epoch: u64, cause: Cause) {
        let mut state = self.state.lock();
        let gone = state.workers.get(key);
        if gone.is_none_or(|entry| entry.epoch != epoch || entry.connected) {
            return;
        }
        state.pool.leave(key);
        let pieces = state.workers.remove(key).map(|entry| entry.pieces);
        drop(state);
        for piece in pieces.into_iter().flatten().map(|(_, piece)| piece) {
            piece.lose(cause);
        }
    }

    /// Tells every worker that the gateway goes away (R-LNK-16).
    pub fn say_goodbye(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        for entry in self.state.lock().workers.values() {
            entry.outbox.close(codes::DRAINING, "the gateway is about to stop");
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    pub(super) fn is_detached(&self, key: &WorkerKey) -> bool {
        self.state.lock().workers.get(key).is_none_or(|entry| !entry.connected)
    }

    /// Workers that are connected.
    pub fn connected(&self) -> usize {
        self.state.lock().workers.values().filter(|entry| entry.connected).count()
    }
}
