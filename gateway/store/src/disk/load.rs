//! Loads the state of sessions and streams from disk.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_core::seams::store::{Appended, StoreError};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::limits::FRAME_KEYS_MAX;

use super::engine::Engine;
use super::keys::batch::BatchKey;
use super::keys::frame::FrameKey;
use super::keys::owed::OwedKey;
use super::keys::parts::after_prefix;
use super::keys::row::RowKey;
use super::keys::session::SessionHeadKey;
use super::keys::stream::StreamHeadKey;
use super::overlay::{get, range};
use super::values::batch::{self, BatchValue};
use super::values::frame::FrameValue;
use super::values::heads::{SessionHead, StoredStream};
use super::work::{StreamWork, Work};
use crate::rules::fences::Fences;
use crate::rules::frames::is_over;
use crate::rules::session::{HeldLease, Incarnation, Stream};
use crate::rules::stream::metered;

/// The session `key` without its streams; an empty one if there is none.
pub(super) fn session(engine: &Engine, key: &SessionKey) -> Result<Work, StoreError> {
    let mut work = Work::default();
    let Some(head) = session_head(engine, key)? else { return Ok(work) };
    work.number = head.number;
    let state = &mut work.state;
    state.incarnation = Incarnation { epoch: head.epoch, base: head.base };
    state.fences = Fences { fence: head.fence, handovers: head.handovers };
    state.lease = head.lease.map(|(holder, until)| HeldLease { holder, until });
    let Some(number) = head.number else { return Ok(work) };
    state.used = true;
    work.row = row(engine, number)?.map(Arc::new);
    state.row_version = work.row.as_ref().map(|row| row.version);
    state.owed = owed(engine, number)?.into_iter().collect();
    Ok(work)
}

/// The stream of `channel` of the session `number`, with the frames it recognises at `now`.
pub(super) fn stream(
    engine: &Engine,
    key: &SessionKey,
    number: u64,
    incarnation: Incarnation,
    channel: &Channel,
    now: u64,
) -> Result<Option<Stream<StreamWork>>, StoreError> {
    let head_key = StreamHeadKey { session: number, channel: channel.clone() }.encode();
    let Some(stored) = get(engine, &head_key)? else { return Ok(None) };
    let stored: StoredStream = from_json(&stored)?;
    let mut head = incarnation.start();
    head.retention_floor = stored.retention_floor;
    head.replay_floor = stored.replay_floor;
    let mut total = stored.total_before_floor;
    if let Some(newest) = newest_batch(engine, stored.number)? {
        let last = newest.records.last().ok_or_else(damaged)?;
        head.tail = last.seq_num + 1;
        head.last_timestamp = last.timestamp;
        total = newest.total_before + metered(&newest.records);
    }
    head.bytes = total.checked_sub(stored.total_before_floor).ok_or_else(damaged)?;
    let at = now.max(head.last_timestamp);
    if !is_over(head.last_timestamp, at) {
        for (frame, first) in frames(engine, stored.number, at)?.into_iter().rev() {
            let FrameValue { timestamp, count, key } = frame;
            let epoch = head.epoch;
            let answer = Appended { epoch, first, count, timestamp, repeated: false };
            head.frames.put(&key, answer);
        }
    }
    let id = Arc::new(StreamId { session: key.clone(), channel: channel.clone() });
    Ok(Some(Stream { head, data: StreamWork { id, number: stored.number, total } }))
}

/// The channels of the session `number` that have a stream.
pub(super) fn channels(engine: &Engine, number: u64) -> Result<Vec<Channel>, StoreError> {
    let prefix = StreamHeadKey::prefix(number);
    let keys = range(engine, &prefix, &after_prefix(&prefix));
    keys.map(|entry| Ok(StreamHeadKey::decode(&entry?.0).ok_or_else(damaged)?.channel)).collect()
}

/// The head of the session `key`.
pub(super) fn session_head(
    engine: &Engine,
    key: &SessionKey,
) -> Result<Option<SessionHead>, StoreError> {
    let stored = get(engine, &SessionHeadKey(key.clone()).encode())?;
    stored.map(|stored| from_json(&stored)).transpose()
}

/// The row of the session `number`.
pub(super) fn row(engine: &Engine, number: u64) -> Result<Option<SessionRow>, StoreError> {
    let stored = get(engine, &RowKey { session: number }.encode())?;
    stored.map(|stored| from_json(&stored)).transpose()
}

/// What the session `number` owes.
pub(super) fn owed(engine: &Engine, number: u64) -> Result<Vec<u64>, StoreError> {
    let prefix = OwedKey::prefix(number);
    let keys = range(engine, &prefix, &after_prefix(&prefix));
    keys.map(|entry| Ok(OwedKey::decode(&entry?.0).ok_or_else(damaged)?.seq)).collect()
}

/// A stored batch.
pub(super) fn decode_batch(key: &[u8], value: Bytes) -> Result<BatchValue, StoreError> {
    let key = BatchKey::decode(key).ok_or_else(damaged)?;
    batch::decode(key.first, value).ok_or_else(damaged)
}

/// The newest batch of the stream `number`.
pub(super) fn newest_batch(engine: &Engine, number: u64) -> Result<Option<BatchValue>, StoreError> {
    let prefix = BatchKey::prefix(number);
    let newest = range(engine, &prefix, &after_prefix(&prefix)).next_back().transpose()?;
    newest.map(|(key, value)| decode_batch(&key, value)).transpose()
}

/// Timestamp of the oldest record that `stream` holds.
pub(super) fn oldest(
    engine: &Engine,
    stream: &Stream<StreamWork>,
) -> Result<Option<u64>, StoreError> {
    let (number, floor) = (stream.data.number, stream.head.retention_floor);
    let end = after_prefix(&BatchKey::prefix(number));
    for entry in range(engine, &batch_at(engine, number, floor)?, &end) {
        let (key, value) = entry?;
        let records = decode_batch(&key, value)?.records;
        if let Some(oldest) = records.iter().find(|record| record.seq_num >= floor) {
            return Ok(Some(oldest.timestamp));
        }
    }
    Ok(None)
}

/// Where to read the stream `number` from, to find the record `seq`: the key of the newest stored
/// batch that starts at or before it.
pub(super) fn batch_at(engine: &Engine, number: u64, seq: u64) -> Result<Vec<u8>, StoreError> {
    let start = BatchKey::prefix(number);
    let end = BatchKey { stream: number, first: seq.saturating_add(1) }.encode();
    let newest = range(engine, &start, &end).next_back().transpose()?;
    Ok(newest.map_or(start, |(key, _)| key))
}

/// Reads stored JSON.
pub(super) fn from_json<T: DeserializeOwned>(stored: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(stored).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Writes stored JSON.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("stored values have text keys and no failing parts")
}

/// A key or value that this store can't have written.
pub(super) fn damaged() -> StoreError {
    StoreError::Corrupt("an entry of the disk store can't be read".to_owned())
}

/// The frames that the stream `number` recognises at `now`, newest first, with their first seqs.
fn frames(engine: &Engine, number: u64, now: u64) -> Result<Vec<(FrameValue, u64)>, StoreError> {
    let prefix = FrameKey::prefix(number);
    let mut frames = Vec::new();
    for entry in range(engine, &prefix, &after_prefix(&prefix)).rev().take(FRAME_KEYS_MAX) {
        let (key, value) = entry?;
        let first = FrameKey::decode(&key).ok_or_else(damaged)?.first;
        let frame = FrameValue::decode(value).ok_or_else(damaged)?;
        if is_over(frame.timestamp, now) {
            break;
        }
        frames.push((frame, first));
    }
    Ok(frames)
}
