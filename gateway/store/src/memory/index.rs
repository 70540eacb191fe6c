//! What is looked up across sessions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use tidegate_core::seams::store::StoreError;
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use crate::listing::page::Rows;
use crate::listing::place::Place;

/// Indexes over all sessions. Its lock is taken inside a shard's, never around one.
#[derive(Debug, Default)]
pub(super) struct Index {
    environments: HashMap<String, Environment>,
    /// Sessions that owe something.
    owed: BTreeSet<SessionKey>,
    /// Sessions that were not closed, by the time they expire.
    expiring: BTreeSet<(u64, SessionKey)>,
    /// Closed sessions, by the time of it.
    closed: BTreeSet<(u64, SessionKey)>,
}

/// Rows of one environment.
#[derive(Debug, Default)]
pub(super) struct Environment {
    ids: HashMap<String, SessionKey>,
    rows: BTreeMap<Place, Arc<SessionRow>>,
}

impl Index {
    /// Replaces the row `old` of session `key` by `new`.
    pub(super) fn put(
        &mut self,
        key: &SessionKey,
        old: Option<&SessionRow>,
        new: Option<&Arc<SessionRow>>,
    ) {
        if let Some(row) = old {
            self.remove(key, row);
        }
        let Some(row) = new else { return };
        let environment = self.environments.entry(key.environment().to_owned()).or_default();
        environment.ids.insert(row.id.clone(), key.clone());
        environment.rows.insert(Place::of(row), row.clone());
        match (row.closed_at, row.expires_at) {
            (Some(at), _) => self.closed.insert((at, key.clone())),
            (None, Some(at)) => self.expiring.insert((at, key.clone())),
            (None, None) => false,
        };
    }

    fn remove(&mut self, key: &SessionKey, row: &SessionRow) {
        if let Some(environment) = self.environments.get_mut(key.environment()) {
            environment.ids.remove(&row.id);
            environment.rows.remove(&Place::of(row));
        }
        match (row.closed_at, row.expires_at) {
            (Some(at), _) => self.closed.remove(&(at, key.clone())),
            (None, Some(at)) => self.expiring.remove(&(at, key.clone())),
            (None, None) => false,
        };
    }

    /// Says whether session `key` owes something.
    pub(super) fn set_owed(&mut self, key: &SessionKey, owed: bool) {
        if owed {
            self.owed.insert(key.clone());
        } else {
            self.owed.remove(key);
        }
    }

    pub(super) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.get(name)
    }

    /// Sessions owing something, from just after `after` on, at most `limit`.
    pub(super) fn owed(&self, after: Option<&SessionKey>, limit: usize) -> Vec<SessionKey> {
        let start = after.map_or(Unbounded, Excluded);
        self.owed.range((start, Unbounded)).take(limit).cloned().collect()
    }

    /// At most `limit` sessions that are over at `now`: first those whose retention of `ttl` ms
    /// has passed, then expired ones that owe something, then the newly expired. So sessions that
    /// merely wait for the end of their retention never keep out those that need work.
    pub(super) fn over(&self, now: u64, ttl: u64, limit: usize) -> Vec<SessionKey> {
        let mut found = Vec::new();
        let gone = |(at, _): &&(u64, SessionKey)| at.saturating_add(ttl) <= now;
        for set in [&self.closed, &self.expiring] {
            found.extend(set.iter().take_while(gone).take(limit).map(|(_, key)| key.clone()));
        }
        let expired = || self.expiring.iter().rev().filter(|(at, _)| *at <= now);
        let fresh = || expired().filter(|entry| !gone(entry)).map(|(_, key)| key);
        let owing = fresh().filter(|key| self.owed.contains(*key)).take(limit).cloned();
        found.extend(owing);
        let idle = fresh().filter(|key| !self.owed.contains(*key)).take(limit).cloned();
        found.extend(idle);
        found.truncate(limit);
        found
    }
}

impl Environment {
    pub(super) fn by_id(&self, id: &str) -> Option<&SessionKey> {
        self.ids.get(id)
    }
}

impl Rows for Environment {
    fn older(&self, than: Option<Place>) -> impl Iterator<Item = Result<SessionRow, StoreError>> {
        let end = than.map_or(Unbounded, Excluded);
        self.rows.range((Unbounded, end)).rev().map(|(_, row)| Ok((**row).clone()))
    }

    fn newer(&self, than: Place) -> impl Iterator<Item = Result<SessionRow, StoreError>> {
        self.rows.range((Excluded(than), Unbounded)).map(|(_, row)| Ok((**row).clone()))
    }
}
