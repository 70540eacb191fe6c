//! Deletes sessions. What can be found is removed at once; the bulk, which nothing refers to any
//! more, is cleared away by and by.

use tidegate_core::seams::store::StoreError;
use tidegate_protocol::ids::SessionKey;

use super::apply::Output;
use super::engine::Engine;
use super::keys::batch::BatchKey;
use super::keys::blob::BlobKey;
use super::keys::fate::FateKey;
use super::keys::frame::FrameKey;
use super::keys::garbage::GarbageKey;
use super::keys::kind;
use super::keys::owed::OwedKey;
use super::keys::owing::OwingKey;
use super::keys::parts::after_prefix;
use super::keys::stream::StreamHeadKey;
use super::load::{damaged, from_json};
use super::overlay::{Entry, range};
use super::rows;
use super::values::heads::StoredStream;
use super::work::Work;

impl Output<'_> {
    /// Deletes a session; all of its streams must be loaded.
    pub(super) fn delete(&mut self, work: &mut Work, key: &SessionKey) {
        if let Some(number) = work.number {
            rows::remove(&mut self.overlay, work, key, number);
            self.overlay.put(GarbageKey { session: number }.encode(), Vec::new());
        }
        self.overlay.remove(OwingKey(key.clone()).encode());
        *work = Work { state: work.state.tombstone(), touched: work.touched, ..Work::default() };
        self.put_head(work, key);
    }
}

/// At most `limit` keys of deleted sessions, in an order in which they can be removed: what says
/// that there is more comes last.
pub(super) fn garbage(engine: &Engine, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = Vec::new();
    for entry in range(engine, &[kind::GARBAGE], &[kind::GARBAGE + 1]) {
        let (key, _) = entry?;
        let number = GarbageKey::decode(&key).ok_or_else(damaged)?.session;
        collect(engine, number, limit, &mut keys)?;
        if keys.len() >= limit {
            break;
        }
        keys.push(key);
    }
    Ok(keys)
}

fn collect(
    engine: &Engine,
    number: u64,
    limit: usize,
    keys: &mut Vec<Vec<u8>>,
) -> Result<(), StoreError> {
    for prefix in [OwedKey::prefix(number), FateKey::prefix(number), BlobKey::prefix(number, "")] {
        add(engine, &prefix, limit, keys, |_, _| Ok(()))?;
    }
    let prefix = StreamHeadKey::prefix(number);
    add(engine, &prefix, limit, keys, |keys, (_, value)| {
        let stream = from_json::<StoredStream>(value)?.number;
        add(engine, &BatchKey::prefix(stream), limit, keys, |_, _| Ok(()))?;
        add(engine, &FrameKey::prefix(stream), limit, keys, |_, _| Ok(()))
    })
}

/// Adds keys that start with `prefix` until there are `limit`, each after what `before` adds.
fn add(
    engine: &Engine,
    prefix: &[u8],
    limit: usize,
    keys: &mut Vec<Vec<u8>>,
    before: impl Fn(&mut Vec<Vec<u8>>, &Entry) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for entry in range(engine, prefix, &after_prefix(prefix)) {
        let entry = entry?;
        before(keys, &entry)?;
        if keys.len() >= limit {
            break;
        }
        keys.push(entry.0);
    }
    Ok(())
}
