//! What a group will write, on top of what is stored.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};

use bytes::Bytes;
use fjall::{PersistMode, Slice};
use tidegate_core::seams::store::StoreError;

use super::engine::{Engine, unavailable};

/// Writes of one group, by key. The engine gives one batch one internal sequence number, so a key
/// must be in it once.
#[derive(Debug)]
pub(super) struct Overlay<'a> {
    engine: &'a Engine,
    pending: BTreeMap<Vec<u8>, Option<Bytes>>,
}

/// A stored key and its value.
pub(super) type Entry = (Vec<u8>, Bytes);

impl<'a> Overlay<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine, pending: BTreeMap::new() }
    }

    /// What is stored, without the group.
    pub(super) fn engine(&self) -> &'a Engine {
        self.engine
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: impl Into<Bytes>) {
        self.pending.insert(key, Some(value.into()));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.pending.insert(key, None);
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.pending.get(key) {
            Some(pending) => Ok(pending.clone()),
            None => get(self.engine, key),
        }
    }

    /// Entries of `from..to` in order. Stored ones are read as they are asked for.
    pub(super) fn range(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> impl Iterator<Item = Result<Entry, StoreError>> {
        let mut stored = range(self.engine, from, to).peekable();
        // An inverted range is empty, as in `range`.
        let to = to.max(from);
        let bounds = (Included(from.to_vec()), Excluded(to.to_vec()));
        let mut pending = self.pending.range(bounds).peekable();
        std::iter::from_fn(move || {
            loop {
                let order = match (stored.peek(), pending.peek()) {
                    (Some(Ok((stored, _))), Some((pending, _))) => stored.cmp(pending),
                    (Some(_), _) => Ordering::Less,
                    (None, _) => Ordering::Greater,
                };
                if order == Ordering::Less {
                    return stored.next();
                }
                let (key, value) = pending.next()?;
                if order == Ordering::Equal {
                    // What is pending replaces what is stored.
                    stored.next();
                }
                if let Some(value) = value {
                    return Some(Ok((key.clone(), value.clone())));
                }
            }
        })
    }

    /// Writes everything as one batch and syncs it.
    pub(super) fn commit(self) -> fjall::Result<()> {
        let db = &self.engine.db;
        let mut batch = db.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in self.pending {
            match value {
                Some(value) => batch.insert(&self.engine.data, key, Slice::from(value)),
                None => batch.remove(&self.engine.data, key),
            }
        }
        batch.commit()
    }
}

/// One stored value.
pub(super) fn get(engine: &Engine, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
    Ok(engine.data.get(key).map_err(unavailable)?.map(Bytes::from))
}

/// Stored entries of `from..to`, in order from either end.
pub(super) fn range(
    engine: &Engine,
    from: &[u8],
    to: &[u8],
) -> impl DoubleEndedIterator<Item = Result<Entry, StoreError>> + use<> {
    // The engine takes an inverted range for a mistake; here it is an empty one.
    let to = if from < to { to } else { from };
    engine.data.range(from..to).map(|guard| {
        let (key, value) = guard.into_inner().map_err(unavailable)?;
        Ok((key.to_vec(), Bytes::from(value)))
    })
}
