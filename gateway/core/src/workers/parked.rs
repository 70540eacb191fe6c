//! The runs that wait for input and would leave if somebody needed their place.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tidegate_protocol::limits::SUBAGENT_DEPTH_MAX;

use super::piece::Piece;
use super::pool::WorkerKey;

/// Places by depth.
pub(super) type Places = [usize; SUBAGENT_DEPTH_MAX + 1];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Parked {
    /// The longest parked first.
    pieces: BTreeMap<u64, (WorkerKey, usize, Arc<Piece>)>,
    /// How many each worker has; none that are zero throughout.
    places: HashMap<WorkerKey, Places>,
    /// Counts what was parked.
    order: u64,
}

impl Parked {
    /// `piece` waits for input from now on, in a place of `worker`.
    pub(super) fn add(&mut self, piece: &Arc<Piece>, worker: &WorkerKey, depth: usize) {
        self.order += 1;
        piece.parked.store(self.order, Ordering::Relaxed);
        self.pieces.insert(self.order, (worker.clone(), depth, Arc::clone(piece)));
        self.places.entry(worker.clone()).or_default()[depth.min(SUBAGENT_DEPTH_MAX)] += 1;
    }

    /// `piece` works again, or is over. Was it parked?
    pub(super) fn remove(&mut self, piece: &Piece) -> bool {
        let order = piece.parked.swap(0, Ordering::Relaxed);
        self.take(order).is_some()
    }

    /// Asks the longest parked one of `workers` at `depth` to leave. Was there one?
    pub(super) fn evict(&mut self, depth: usize, workers: &[WorkerKey]) -> bool {
        let found = self
            .pieces
            .iter()
            .find(|(_, (worker, at, _))| *at == depth && workers.contains(worker))
            .map(|(order, _)| *order);
        let piece = found.and_then(|order| self.take(order));
        piece.inspect(|piece| piece.ask_to_leave()).is_some()
    }

    /// The places that would become free if all of `workers` that are parked left.
    pub(super) fn places<'a>(&self, workers: impl Iterator<Item = &'a WorkerKey>) -> Places {
        let mut all = Places::default();
        for places in workers.filter_map(|worker| self.places.get(worker)) {
            all.iter_mut().zip(places).for_each(|(all, places)| *all += places);
        }
        all
    }

    fn take(&mut self, order: u64) -> Option<Arc<Piece>> {
        let (worker, depth, piece) = self.pieces.remove(&order)?;
        if let Some(places) = self.places.get_mut(&worker) {
            places[depth.min(SUBAGENT_DEPTH_MAX)] -= 1;
            if *places == Places::default() {
                self.places.remove(&worker);
            }
        }
        Some(piece)
    }
}
