//! What the rounds were like. Figures only, but for the silent losses.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::faults::Fault;

/// See the module.
#[derive(Default)]
pub(crate) struct Report(Mutex<State>);

#[derive(Default)]
struct State {
    faults: BTreeMap<Fault, usize>,
    /// Users that wait for an answer.
    asking: HashSet<usize>,
    /// Those that waited when a fault began, until they see the next record.
    hit: HashMap<usize, (Fault, Instant)>,
    waits: BTreeMap<Fault, Vec<Duration>>,
    counts: BTreeMap<&'static str, usize>,
}

impl Report {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    /// A fault begins.
    pub(crate) fn begins(&self, fault: Fault) {
        let mut state = self.state();
        *state.faults.entry(fault).or_default() += 1;
        let now = Instant::now();
        for user in state.asking.clone() {
            state.hit.entry(user).or_insert((fault, now));
        }
    }

    pub(crate) fn asks(&self, user: usize) {
        self.state().asking.insert(user);
    }

    pub(crate) fn answered(&self, user: usize) {
        let mut state = self.state();
        state.asking.remove(&user);
        state.hit.remove(&user);
    }

    /// A user sees a record.
    pub(crate) fn saw(&self, user: usize) {
        let mut state = self.state();
        if let Some((fault, since)) = state.hit.remove(&user) {
            state.waits.entry(fault).or_default().push(since.elapsed());
        }
    }

    pub(crate) fn count(&self, what: &'static str, by: usize) {
        *self.state().counts.entry(what).or_default() += by;
    }

    pub(crate) fn counted(&self, what: &'static str) -> usize {
        self.state().counts.get(what).copied().unwrap_or_default()
    }

    pub(crate) fn print(&self) {
        let mut state = self.state();
        let State { faults, waits, counts, .. } = &mut *state;
        for (fault, times) in faults {
            let mut waits = waits.remove(fault).unwrap_or_default();
            waits.sort_unstable();
            let middle = waits.get(waits.len() / 2).copied().unwrap_or_default();
            let slowest = waits.last().copied().unwrap_or_default();
            println!("{fault:?}: {times}×, next record for {} readers", waits.len());
            println!("    in the middle after {middle:?}, the slowest after {slowest:?}");
        }
        for (what, count) in counts {
            println!("{what}: {count}");
        }
    }
}
