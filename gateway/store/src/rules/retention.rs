//! How far the retention floor of a stream may and must move.

use std::borrow::Borrow;

use tidegate_core::seams::store::Retention;
use tidegate_protocol::Record;

use super::stream::StreamHead;

/// Where a floor moved to, and what lies between it and the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// The new floor.
    pub(crate) floor: u64,
    /// Metered bytes that go.
    pub(crate) bytes: u64,
    /// Records that go.
    pub(crate) records: u64,
}

/// Could [`enforce`] move the floor of a stream that stands at `head`? `oldest` is the timestamp
/// of its oldest record, if that is known.
pub(crate) fn is_due(head: &StreamHead, rules: &Retention, now: u64, oldest: Option<u64>) -> bool {
    head.tail - head.retention_floor > rules.records
        || head.bytes > rules.bytes
        || oldest.is_none_or(|timestamp| is_old(timestamp, rules, now))
}

/// Moves the floor of `head` as `rules` ask at `now` (Unix ms). `records` are those from the floor
/// on, oldest first; only as many are looked at as go. Neither the newest record nor the first
/// `owed` one goes.
pub(crate) fn enforce<R: Borrow<Record>>(
    head: &StreamHead,
    rules: &Retention,
    now: u64,
    owed: Option<u64>,
    records: impl Iterator<Item = R>,
) -> Move {
    let newest = head.tail.saturating_sub(1);
    let stop = owed.map_or(newest, |seq| seq.min(newest));
    let mut to = Move { floor: head.retention_floor, bytes: 0, records: 0 };
    for record in records {
        let record = record.borrow();
        let goes = is_old(record.timestamp, rules, now)
            || head.tail - to.floor > rules.records
            || head.bytes - to.bytes > rules.bytes;
        if !goes || record.seq_num >= stop {
            break;
        }
        to.pass(record);
    }
    to
}

/// Moves the floor of `head` to `before`, never back and never beyond the tail. `records` as in
/// [`enforce`].
pub(crate) fn trim<R: Borrow<Record>>(
    head: &StreamHead,
    before: u64,
    records: impl Iterator<Item = R>,
) -> Move {
    let mut to = Move { floor: head.retention_floor, bytes: 0, records: 0 };
    for record in records.take_while(|record| record.borrow().seq_num < before) {
        to.pass(record.borrow());
    }
    to
}

impl Move {
    fn pass(&mut self, record: &Record) {
        self.floor = record.seq_num + 1;
        self.bytes += record.metered_len() as u64;
        self.records += 1;
    }
}

fn is_old(timestamp: u64, rules: &Retention, now: u64) -> bool {
    timestamp.saturating_add(rules.ttl_ms) < now
}
