//! What every request looks at, kept in memory: rows, fences and stream states of the sessions
//! used last, as committed. A miss costs a read from disk, never a wrong answer.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;
use tidegate_core::seams::store::StreamState;
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{Channel, SessionKey};

use super::cache::Cache;
use super::work::Work;
use crate::rules::fences::Fences;

/// A power of two, above the number of threads that look at once.
const SHARDS: usize = 64;
/// Sessions kept for sure in each shard.
const PER_SHARD: usize = 512;

/// One session as committed.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) row: Option<Arc<SessionRow>>,
    fences: Fences,
    /// When its lease ends, Unix ms.
    pub(super) leased_until: u64,
    /// Those that were asked for or written since the session came into view.
    streams: BTreeMap<Channel, StreamState>,
}

impl View {
    /// The state of `channel`, if it is known.
    pub(super) fn stream(&self, channel: &Channel) -> Option<StreamState> {
        let Fences { fence, handovers } = self.fences;
        self.streams.get(channel).map(|state| StreamState { fence, handovers, ..*state })
    }

    /// A session as loaded, without its streams.
    pub(super) fn of(work: &Work) -> Self {
        let mut view = Self::default();
        view.update(work);
        view
    }

    /// Notes what is known of `channel`.
    pub(super) fn put_stream(&mut self, channel: &Channel, state: StreamState) {
        self.streams.insert(channel.clone(), state);
    }

    fn update(&mut self, work: &Work) {
        self.row.clone_from(&work.row);
        self.fences = work.state.fences;
        self.leased_until = work.state.lease.as_ref().map_or(0, |lease| lease.until);
        for channel in &work.dirty {
            self.put_stream(channel, work.state.stream_state(channel));
        }
    }
}

/// The views of all sessions used last.
#[derive(Debug)]
pub(super) struct Views {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Debug)]
struct Shard {
    /// Counts the commits: what was loaded before one must not be kept after it.
    commits: u64,
    views: Cache<SessionKey, View>,
}

impl Views {
    pub(super) fn new() -> Self {
        let shard = || Mutex::new(Shard { commits: 0, views: Cache::new(PER_SHARD) });
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// What `look` finds in the view of `key`; `None` if the session is not in view.
    pub(super) fn look<T>(
        &self,
        key: &SessionKey,
        look: impl FnOnce(&View) -> Option<T>,
    ) -> Option<T> {
        self.shard(key).lock().views.get_mut(key).and_then(|view| look(view))
    }

    /// How many commits there were so far; to be asked for before loading.
    pub(super) fn commits(&self, key: &SessionKey) -> u64 {
        self.shard(key).lock().commits
    }

    /// Keeps what was loaded of `key`, unless a commit came between.
    pub(super) fn keep(
        &self,
        key: &SessionKey,
        commits: u64,
        loaded: View,
        stream: Option<(&Channel, StreamState)>,
    ) {
        let mut shard = self.shard(key).lock();
        if shard.commits != commits {
            return;
        }
        if shard.views.get_mut(key).is_none() {
            shard.views.age();
            shard.views.insert(key.clone(), loaded);
        }
        if let (Some(view), Some((channel, state))) = (shard.views.get_mut(key), stream) {
            view.put_stream(channel, state);
        }
    }

    /// Shows what was committed of `key`; `deleted` forgets what is known of its streams.
    pub(super) fn committed(&self, key: &SessionKey, work: &Work, deleted: bool) {
        let mut shard = self.shard(key).lock();
        shard.commits += 1;
        match shard.views.get_mut(key) {
            Some(view) if !deleted => view.update(work),
            _ => {
                shard.views.age();
                shard.views.insert(key.clone(), View::of(work));
            }
        }
    }

    fn shard(&self, key: &SessionKey) -> &Mutex<Shard> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }
}
