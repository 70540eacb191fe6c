//! Walks over all sessions, a page at a time.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

use tidegate_core::seams::store::{Retention, StoreError};
use tidegate_protocol::ids::{Channel, SessionKey};

use super::engine::Engine;
use super::keys::due::{Cause, DueKey};
use super::keys::frame::FrameKey;
use super::keys::kind;
use super::keys::owing::OwingKey;
use super::keys::session::SessionHeadKey;
use super::load::{self, damaged, from_json};
use super::overlay::range;
use super::shared::Shared;
use super::values::frame::FrameValue;
use super::values::heads::SessionHead;
use crate::rules::frames::is_over;
use crate::rules::retention;
use crate::rules::session::Incarnation;

/// Sessions that owe something, as stored.
pub(super) fn owing(engine: &Engine) -> Result<BTreeSet<SessionKey>, StoreError> {
    let keys = range(engine, &[kind::OWING], &[kind::OWING + 1]);
    keys.map(|entry| Ok(OwingKey::decode(&entry?.0).ok_or_else(damaged)?.0)).collect()
}

/// Sessions that owe something and have no live lease, as [`StreamStore::sweep_owed`] promises.
///
/// [`StreamStore::sweep_owed`]: tidegate_core::seams::StreamStore::sweep_owed
pub(super) fn free(
    shared: &Shared,
    after: Option<SessionKey>,
    limit: usize,
) -> Result<Vec<SessionKey>, StoreError> {
    let now = shared.clock.unix_millis();
    let candidates: Vec<_> = {
        let owing = shared.owing.lock();
        owing.range((after.map_or(Unbounded, Excluded), Unbounded)).cloned().collect()
    };
    let mut free = Vec::new();
    for key in candidates {
        if free.len() >= limit {
            break;
        }
        if leased_until(shared, &key)? <= now {
            free.push(key);
        }
    }
    Ok(free)
}

/// Sessions that are over at `now`: first those whose retention has passed, then expired ones
/// that owe something, then the newly expired. So sessions that merely wait for the end of their
/// retention never keep out those that need work.
pub(super) fn over(shared: &Shared, now: u64, limit: usize) -> Result<Vec<SessionKey>, StoreError> {
    let ttl = shared.retention.closed_ttl_ms;
    // Ends exactly `ttl` before now are over, and `u64::MAX` never comes.
    let gone = (now + 1).saturating_sub(ttl);
    let owing = shared.owing.lock().clone();
    shared.with_engine(|engine| {
        let due = |cause, from, to| {
            let entries = range(engine, &DueKey::start(cause, from), &DueKey::start(cause, to));
            entries.map(|entry| Ok(DueKey::decode(&entry?.0).ok_or_else(damaged)?.session))
        };
        let mut found: Vec<SessionKey> = Vec::new();
        for cause in [Cause::Closed, Cause::Expires] {
            for key in due(cause, 0, gone).take(limit) {
                found.push(key?);
            }
        }
        for key in &owing {
            let row = load::session(engine, key)?.row;
            let expires = row.filter(|row| row.closed_at.is_none()).and_then(|row| row.expires_at);
            if expires.is_some_and(|at| (gone..=now).contains(&at)) {
                found.push(key.clone());
            }
        }
        for key in due(Cause::Expires, gone, now + 1).rev().take(limit) {
            let key = key?;
            if !owing.contains(&key) {
                found.push(key);
            }
        }
        found.truncate(limit);
        Ok(found)
    })
}

/// Sessions with a stream that `rules` may ask something of at `now`, after `after`: looks at up
/// to `limit` sessions. The second part is the last one looked at.
pub(super) fn overfull(
    engine: &Engine,
    rules: &Retention,
    now: u64,
    after: Option<&SessionKey>,
    limit: usize,
) -> Result<(Vec<SessionKey>, Option<SessionKey>), StoreError> {
    let mut start = after.map_or(vec![kind::SESSION], |key| SessionHeadKey(key.clone()).encode());
    if after.is_some() {
        start.push(0);
    }
    let (mut found, mut last) = (Vec::new(), None);
    for entry in range(engine, &start, &[kind::SESSION + 1]).take(limit) {
        let (key, value) = entry?;
        let key = SessionHeadKey::decode(&key).ok_or_else(damaged)?.0;
        let head: SessionHead = from_json(&value)?;
        if let Some(number) = head.number
            && is_overfull(engine, rules, now, &key, number, &head)?
        {
            found.push(key.clone());
        }
        last = Some(key);
    }
    Ok((found, last))
}

/// At most `limit` keys of frames that are not recognised any more at `now`.
pub(super) fn old_frames(
    engine: &Engine,
    now: u64,
    limit: usize,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = Vec::new();
    for entry in range(engine, &[kind::FRAME], &[kind::FRAME + 1]) {
        let (key, value) = entry?;
        debug_assert!(FrameKey::decode(&key).is_some());
        if is_over(FrameValue::decode(value).ok_or_else(damaged)?.timestamp, now) {
            keys.push(key);
        }
        if keys.len() >= limit {
            break;
        }
    }
    Ok(keys)
}

fn leased_until(shared: &Shared, key: &SessionKey) -> Result<u64, StoreError> {
    if let Some(until) = shared.views.look(key, |view| Some(view.leased_until)) {
        return Ok(until);
    }
    let head = shared.with_engine(|engine| load::session_head(engine, key))?;
    Ok(head.and_then(|head| head.lease).map_or(0, |(_, until)| until))
}

fn is_overfull(
    engine: &Engine,
    rules: &Retention,
    now: u64,
    key: &SessionKey,
    number: u64,
    head: &SessionHead,
) -> Result<bool, StoreError> {
    let incarnation = Incarnation { epoch: head.epoch, base: head.base };
    let channels: Vec<Channel> = load::channels(engine, number)?;
    for channel in channels {
        let stream = load::stream(engine, key, number, incarnation, &channel, u64::MAX)?;
        let Some(stream) = stream else { continue };
        let oldest = load::oldest(engine, &stream)?;
        if retention::is_due(&stream.head, rules, now, oldest) {
            return Ok(true);
        }
    }
    Ok(false)
}
