//! Sessions, spread over locks so that commits of different sessions rarely meet.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use parking_lot::{Mutex, MutexGuard};
use tidegate_protocol::ids::SessionKey;

use super::session::Session;

/// A power of two, well above the number of threads that commit at once.
const SHARDS: usize = 64;

/// The sessions of one shard.
pub(super) type Shard = HashMap<SessionKey, Session>;

/// All sessions.
#[derive(Debug)]
pub(super) struct Shards {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

impl Shards {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), shards }
    }

    /// Locks the shard of `key`.
    pub(super) fn lock(&self, key: &SessionKey) -> MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one(key);
        self.shards[hash as usize % SHARDS].lock()
    }

    /// Every shard, one at a time.
    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        self.shards.iter().map(Mutex::lock)
    }
}
