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
    /// Those that waited when a fault began, until they see the next record: by the newest fault,
    /// since the one before may have been over when it came.
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
            state.hit.insert(user, (fault, now));
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

    /// A line for each kind of fault, and for each count.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut state = self.state();
        let State { faults, waits, counts, .. } = &mut *state;
        let mut lines = Vec::new();
        for (fault, times) in faults {
            let mut waits = waits.remove(fault).unwrap_or_default();
            waits.sort_unstable();
            let middle = waits.get(waits.len() / 2).copied().unwrap_or_default();
            let slowest = waits.last().copied().unwrap_or_default();
            let count = waits.len();
            lines.push(format!(
                "{fault:?}: {times} times; {count} readers waited, in the middle {middle:?}, the \
                 slowest {slowest:?}"
            ));
        }
        lines.extend(counts.iter().map(|(what, count)| format!("{what}: {count}")));
        lines
    }
}
