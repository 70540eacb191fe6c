//! Which worker last served a session in mode `turns`, and until when that session is warm there.
//! Pure.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::pool::WorkerKey;
use crate::seams::backend::Origin;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// By environment and session.
    sessions: HashMap<(Arc<str>, Arc<str>), (WorkerKey, Instant)>,
}

impl Served {
    /// `worker` has served the session of `origin`, which stays warm until `until`.
    pub(super) fn note(
        &mut self,
        origin: &Origin,
        worker: &WorkerKey,
        until: Instant,
        now: Instant,
    ) {
        // Amortised: what is over goes whenever the map would grow.
        if self.sessions.len() == self.sessions.capacity() {
            self.sessions.retain(|_, (_, until)| *until > now);
            self.sessions.reserve(self.sessions.len() + 1);
        }
        self.sessions.insert(key(origin), (worker.clone(), until));
    }

    /// Where the session of `origin` is warm at `now`.
    pub(super) fn warm(&self, origin: &Origin, now: Instant) -> Option<&WorkerKey> {
        let (worker, until) = self.sessions.get(&key(origin))?;
        (*until > now).then_some(worker)
    }
}

fn key(origin: &Origin) -> (Arc<str>, Arc<str>) {
    (Arc::clone(&origin.environment), Arc::clone(&origin.session))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_session_is_warm_for_a_while_and_what_is_over_is_forgotten() {
        let worker = WorkerKey { environment: "dev".into(), worker: "w".into() };
        let origin = |n: usize| Origin { session: n.to_string().into(), ..Origin::default() };
        let (mut served, now) = (Served::default(), Instant::now());
        let later = now + Duration::from_secs(30);
        served.note(&origin(0), &worker, later, now);
        assert_eq!(served.warm(&origin(0), now), Some(&worker));
        assert_eq!(served.warm(&origin(1), now), None);
        assert_eq!(served.warm(&origin(0), later), None);
        for n in 0..1_000 {
            served.note(&origin(n), &worker, now, now);
        }
        assert!(served.sessions.len() < 10, "{}", served.sessions.len());
    }
}
