//! The subscriptions of a client over all connections: which wait, which stand in elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::{Key, SubSpec};
use crate::client::error::Error;
use crate::link::Backoff;

/// How long another transport stands in before the duplex binding is tried again.
const STAND_IN: Duration = Duration::from_secs(30);

/// One of them.
#[derive(Debug)]
pub(crate) struct Sub {
    pub(crate) spec: SubSpec,
    /// Not to be asked for earlier.
    pub(crate) not_before: Duration,
    /// Does another transport stand in?
    pub(crate) parked: bool,
    /// Was a fresh token tried since it was last open?
    refreshed: bool,
    backoff: Backoff,
}

/// What the end of a subscription on a connection asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Ask again, not before its time.
    Again,
    /// Get another token, then ask again.
    Refresh,
    /// Another transport has to stand in.
    FallBack,
    /// The application was told.
    Over,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Subs {
    all: BTreeMap<Key, Sub>,
}

impl Subs {
    pub(crate) fn insert(&mut self, key: Key, spec: SubSpec) {
        let (not_before, backoff) = (Duration::ZERO, Backoff::default());
        let sub = Sub { spec, not_before, parked: false, refreshed: false, backoff };
        self.all.insert(key, sub);
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.all.remove(&key);
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Sub> {
        self.all.get(&key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Sub)> {
        self.all.iter().map(|(key, sub)| (*key, sub))
    }

    /// Those that should have a connection now.
    pub(crate) fn wanted(&self, now: Duration) -> impl Iterator<Item = (Key, &Sub)> {
        self.iter().filter(move |(_, sub)| sub.not_before <= now)
    }

    pub(crate) fn handle_opened(&mut self, key: Key) {
        if let Some(sub) = self.all.get_mut(&key) {
            sub.parked = false;
            sub.refreshed = false;
            sub.backoff.reset();
        }
    }

    /// It was refused, or has ended, with `error`.
    pub(crate) fn handle_ended(
        &mut self,
        key: Key,
        error: Error,
        can_refresh: bool,
        entropy: u64,
        now: Duration,
    ) -> Verdict {
        let Some(sub) = self.all.get_mut(&key) else { return Verdict::Over };
        if error.wants_token() && can_refresh && !sub.refreshed {
            sub.refreshed = true;
            return Verdict::Refresh;
        }
        if !error.retry {
            sub.spec.feed.lock().handle_failed(error);
            self.all.remove(&key);
            return Verdict::Over;
        }
        sub.not_before = now + sub.backoff.next_full(entropy);
        if error.code == "overloaded" && sub.spec.auto {
            return Verdict::FallBack;
        }
        Verdict::Again
    }

    /// No connection for now: those of `which` that may be read otherwise are parked, and returned.
    pub(crate) fn park(&mut self, which: impl Fn(Key) -> bool, now: Duration) -> Vec<Key> {
        let auto = self.all.iter_mut().filter(|(key, sub)| sub.spec.auto && which(**key));
        auto.map(|(key, sub)| {
            sub.set_aside(now);
            *key
        })
        .collect()
    }

    pub(crate) fn park_one(&mut self, key: Key, now: Duration) {
        if let Some(sub) = self.all.get_mut(&key) {
            sub.set_aside(now);
        }
    }

    /// There will be no connection: those of `which` that depend on one fail.
    pub(crate) fn fail(&mut self, which: impl Fn(Key) -> bool, error: &Error) {
        self.all.retain(|key, sub| {
            let fails = !sub.spec.auto && which(*key);
            if fails {
                sub.spec.feed.lock().handle_failed(error.clone());
            }
            !fails
        });
    }

    /// Those of a session fail.
    pub(crate) fn fail_session(&mut self, session: &str, error: &Error) {
        self.all.retain(|_, sub| {
            let is_it = sub.spec.session == session;
            if is_it {
                sub.spec.feed.lock().handle_failed(error.clone());
            }
            !is_it
        });
    }
}

impl Sub {
    fn set_aside(&mut self, now: Duration) {
        self.parked = true;
        self.not_before = now + STAND_IN;
    }
}
