//! What readers get from the disk. All of it is committed: the engine shows a group once it is
//! synced.

use bytes::Bytes;
use tidegate_core::seams::store::{Fate, ListPage, ListQuery, ReadLimit, StoreError, StreamState};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};

use super::engine::Engine;
use super::keys::batch::BatchKey;
use super::keys::blob::BlobKey;
use super::keys::fate::FateKey;
use super::keys::id::id_key;
use super::keys::listing::{listing_key, listing_prefix};
use super::keys::parts::after_prefix;
use super::keys::stream::StreamHeadKey;
use super::load::{self, damaged, from_json};
use super::overlay::{Entry, get, range};
use super::values::heads::StoredStream;
use super::work::Work;
use crate::listing::page::{Rows, page};
use crate::listing::place::Place;
use crate::rules::read::Reader;

/// Records of `stream`, as [`StreamStore::read`] promises.
///
/// [`StreamStore::read`]: tidegate_core::seams::StreamStore::read
pub(super) fn records(
    engine: &Engine,
    stream: &StreamId,
    from: u64,
    limit: ReadLimit,
) -> Result<Vec<Record>, StoreError> {
    let mut reader = Reader::new(limit);
    let Some(session) = number(engine, &stream.session)? else { return Ok(reader.records) };
    let key = StreamHeadKey { session, channel: stream.channel.clone() };
    let Some(stored) = get(engine, &key.encode())? else { return Ok(reader.records) };
    let stored: StoredStream = from_json(&stored)?;
    let from = from.max(stored.retention_floor);
    let start = load::batch_at(engine, stored.number, from)?;
    let end = after_prefix(&BatchKey::prefix(stored.number));
    for entry in range(engine, &start, &end) {
        let (key, value) = entry?;
        let batch = load::decode_batch(&key, value)?;
        let wanted = batch.records.iter().skip_while(|record| record.seq_num < from);
        for record in wanted {
            if !reader.take(record) {
                return Ok(reader.records);
            }
        }
    }
    Ok(reader.records)
}

/// Where `stream` stands; `work` is its session.
pub(super) fn state(
    engine: &Engine,
    work: &Work,
    stream: &StreamId,
) -> Result<StreamState, StoreError> {
    let incarnation = work.state.incarnation;
    // At the end of time no frame is recognised any more, so none is loaded.
    let now = u64::MAX;
    let loaded = match work.number {
        None => None,
        Some(number) => {
            load::stream(engine, &stream.session, number, incarnation, &stream.channel, now)?
        }
    };
    let head = loaded.map_or_else(|| incarnation.start(), |stream| stream.head);
    Ok(head.state(work.state.fences))
}

/// The key of the session with the friendly id `id`.
pub(super) fn resolve(
    engine: &Engine,
    environment: &str,
    id: &str,
) -> Result<Option<SessionKey>, StoreError> {
    let Some(stored) = get(engine, &id_key(environment, id))? else { return Ok(None) };
    let key = std::str::from_utf8(&stored).ok().and_then(SessionKey::from_stored);
    key.map(Some).ok_or_else(damaged)
}

/// What the session `key` owes.
pub(super) fn owed(engine: &Engine, key: &SessionKey) -> Result<Vec<u64>, StoreError> {
    match number(engine, key)? {
        Some(number) => load::owed(engine, number),
        None => Ok(Vec::new()),
    }
}

/// Fates of inputs of the session `key`.
pub(super) fn fates(
    engine: &Engine,
    key: &SessionKey,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Fate)>, StoreError> {
    let Some(session) = number(engine, key)? else { return Ok(Vec::new()) };
    let start = FateKey { session, seq: from }.encode();
    let fates = range(engine, &start, &after_prefix(&FateKey::prefix(session))).take(limit);
    fates
        .map(|entry| {
            let (key, value) = entry?;
            Ok((FateKey::decode(&key).ok_or_else(damaged)?.seq, from_json(&value)?))
        })
        .collect()
}

/// A blob of the session `key`.
pub(super) fn blob(
    engine: &Engine,
    key: &SessionKey,
    name: &str,
) -> Result<Option<Bytes>, StoreError> {
    let Some(session) = number(engine, key)? else { return Ok(None) };
    get(engine, &BlobKey { session, name: name.to_owned() }.encode())
}

/// Blobs of the session `key`, newest name first.
pub(super) fn blobs(
    engine: &Engine,
    key: &SessionKey,
    prefix: &str,
    before: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Bytes)>, StoreError> {
    let Some(session) = number(engine, key)? else { return Ok(Vec::new()) };
    let start = BlobKey::prefix(session, prefix);
    let all = after_prefix(&start);
    let end = before.map_or(all.clone(), |before| all.min(BlobKey::prefix(session, before)));
    let named = |entry: Result<Entry, StoreError>| {
        let (key, value) = entry?;
        Ok((BlobKey::decode(&key).ok_or_else(damaged)?.name, value))
    };
    range(engine, &start, &end).rev().take(limit).map(named).collect()
}

/// A page of sessions.
pub(super) fn list(engine: &Engine, query: &ListQuery) -> Result<ListPage, StoreError> {
    page(query, &Environment { engine, name: &query.environment })
}

fn number(engine: &Engine, key: &SessionKey) -> Result<Option<u64>, StoreError> {
    Ok(load::session_head(engine, key)?.and_then(|head| head.number))
}

/// The sessions of one environment.
#[derive(Debug)]
struct Environment<'a> {
    engine: &'a Engine,
    name: &'a str,
}

impl Environment<'_> {
    /// The row behind an entry of the listing; `None` if it went meanwhile.
    fn row(&self, entry: Result<Entry, StoreError>) -> Option<Result<SessionRow, StoreError>> {
        let row = entry.and_then(|(_, number)| {
            let number = number.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
            load::row(self.engine, number.ok_or_else(damaged)?)
        });
        row.transpose()
    }
}

impl Rows for Environment<'_> {
    fn older(&self, than: Option<Place>) -> impl Iterator<Item = Result<SessionRow, StoreError>> {
        let start = listing_prefix(self.name);
        let end = than.map_or_else(|| after_prefix(&start), |than| listing_key(self.name, &than));
        range(self.engine, &start, &end).rev().filter_map(|entry| self.row(entry))
    }

    fn newer(&self, than: Place) -> impl Iterator<Item = Result<SessionRow, StoreError>> {
        let place = listing_key(self.name, &than);
        let end = after_prefix(&listing_prefix(self.name));
        let entries = range(self.engine, &place, &end);
        let above = entries.filter(move |entry| !matches!(entry, Ok((key, _)) if *key == place));
        above.filter_map(|entry| self.row(entry))
    }
}
