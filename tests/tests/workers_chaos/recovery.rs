//! How long users wait after a fault for the next record that somebody else wrote. Figures only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Which of the faults users noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Killed,
    Frozen,
    Gateway,
    /// Another fault came before the user had seen anything.
    Several,
}

#[derive(Default)]
pub(crate) struct Recovery(Mutex<State>);

#[derive(Default)]
struct State {
    /// By user: the worker that writes the turn that runs.
    serving: HashMap<usize, String>,
    waiting: HashMap<usize, (Kind, Instant, String)>,
    times: BTreeMap<(Kind, &'static str), Vec<Duration>>,
}

impl Recovery {
    /// A user has seen a word of `worker`, or the end of a turn.
    pub(crate) fn saw(&self, user: usize, mode: &'static str, worker: Option<&str>) {
        let mut state = self.0.lock().expect("nobody panics with it");
        let over = state.waiting.get(&user).is_some_and(|(kind, _, lost)| {
            !matches!(kind, Kind::Killed | Kind::Frozen)
                || worker.is_none_or(|worker| worker != lost)
        });
        if over && let Some((kind, at, _)) = state.waiting.remove(&user) {
            state.times.entry((kind, mode)).or_default().push(at.elapsed());
        }
        match worker {
            Some(worker) => state.serving.insert(user, worker.to_owned()),
            None => state.serving.remove(&user),
        };
    }

    /// Does `worker` write a turn?
    pub(crate) fn serves(&self, worker: &str) -> bool {
        let state = self.0.lock().expect("nobody panics with it");
        state.serving.values().any(|serving| serving == worker)
    }

    /// A fault begins: who waits still does so for more than one reason.
    pub(crate) fn disturb(&self) {
        let mut state = self.0.lock().expect("nobody panics with it");
        for (kind, _, _) in state.waiting.values_mut() {
            *kind = Kind::Several;
        }
    }

    /// `workers` are lost; all of them with the gateway.
    pub(crate) fn lost(&self, kind: Kind, workers: &[&str]) {
        let mut state = self.0.lock().expect("nobody panics with it");
        let now = Instant::now();
        let hit: Vec<_> = state
            .serving
            .iter()
            .filter(|(_, serving)| kind == Kind::Gateway || workers.contains(&serving.as_str()))
            .map(|(user, serving)| (*user, (kind, now, serving.clone())))
            .collect();
        for (user, wait) in hit {
            state.waiting.entry(user).or_insert(wait);
        }
    }

    /// A line for each kind of fault.
    pub(crate) fn report(&self) -> Vec<String> {
        let mut state = self.0.lock().expect("nobody panics with it");
        let line = |((kind, mode), times): (&(Kind, &str), &mut Vec<Duration>)| {
            times.sort_unstable();
            let (count, p50, max) = (times.len(), times[times.len() / 2], times[times.len() - 1]);
            format!("{kind:?}, mode {mode}: {count} waits, p50 {p50:?}, max {max:?}")
        };
        state.times.iter_mut().map(line).collect()
    }
}
