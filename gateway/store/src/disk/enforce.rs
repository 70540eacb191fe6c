//! Moves retention floors and removes what lies below them.

use tidegate_core::seams::store::{Retention, StoreError};
use tidegate_protocol::Record;
use tidegate_protocol::ids::Channel;

use super::apply::Output;
use super::keys::batch::BatchKey;
use super::keys::fate::FateKey;
use super::load;
use super::overlay::Overlay;
use super::work::{StreamWork, Work};
use crate::rules::retention::{self, Move};
use crate::rules::session::Stream;

impl Output<'_> {
    /// Drops what `rules` no longer keep of a session at `now`; gives the number of records. All
    /// of its streams must be loaded.
    pub(super) fn enforce(
        &mut self,
        work: &mut Work,
        rules: &Retention,
        now: u64,
    ) -> Result<u64, StoreError> {
        let Some(session) = work.number else { return Ok(0) };
        let channels: Vec<_> = work.state.streams.keys().cloned().collect();
        let mut dropped = 0;
        for channel in channels {
            let floor = work.state.stream_state(&channel).retention_floor;
            let owed = work.state.first_owed(&channel, floor);
            let Some(stream) = work.state.streams.get_mut(&channel) else { continue };
            let to = due(&self.overlay, stream, rules, now, owed)?;
            if to.records == 0 {
                continue;
            }
            move_floor(&mut self.overlay, session, &channel, stream, to)?;
            self.put_stream(session, &channel, &work.state.streams[&channel]);
            work.touch(&channel);
            dropped += to.records;
        }
        Ok(dropped)
    }
}

/// How far the floor of `stream` moves when it is trimmed to `before`.
pub(super) fn trim(
    overlay: &Overlay<'_>,
    stream: &Stream<StreamWork>,
    before: u64,
) -> Result<Move, StoreError> {
    walk(overlay, stream, before, |records| retention::trim(&stream.head, before, records))
}

/// Moves the floor of `stream` and removes the batches that lie wholly below it, except the
/// newest, which tells where the tail is; on `.in` also the fates.
pub(super) fn move_floor(
    overlay: &mut Overlay<'_>,
    session: u64,
    channel: &Channel,
    stream: &mut Stream<StreamWork>,
    to: Move,
) -> Result<(), StoreError> {
    let from = stream.head.retention_floor;
    stream.head.trim_retention(to.floor, to.bytes);
    let number = stream.data.number;
    // A batch ends where the next one starts, so it goes once the next one starts at or below
    // the floor. One batch may start below the old floor.
    let start = load::batch_at(overlay.engine(), number, from)?;
    let end = BatchKey { stream: number, first: to.floor.saturating_add(1) }.encode();
    let mut keys = keys(overlay, &start, &end)?;
    keys.pop();
    if *channel == Channel::IN {
        let start = FateKey { session, seq: 0 }.encode();
        let end = FateKey { session, seq: to.floor }.encode();
        keys.extend(self::keys(overlay, &start, &end)?);
    }
    keys.into_iter().for_each(|key| overlay.remove(key));
    Ok(())
}

fn due(
    overlay: &Overlay<'_>,
    stream: &Stream<StreamWork>,
    rules: &Retention,
    now: u64,
    owed: Option<u64>,
) -> Result<Move, StoreError> {
    walk(overlay, stream, stream.head.tail, |records| {
        retention::enforce(&stream.head, rules, now, owed, records)
    })
}

/// Gives `decide` the records of `stream` from its floor to `end`, read as they are asked for.
fn walk(
    overlay: &Overlay<'_>,
    stream: &Stream<StreamWork>,
    end: u64,
    decide: impl FnOnce(&mut dyn Iterator<Item = Record>) -> Move,
) -> Result<Move, StoreError> {
    let (number, floor) = (stream.data.number, stream.head.retention_floor);
    let start = load::batch_at(overlay.engine(), number, floor)?;
    let end = BatchKey { stream: number, first: end }.encode();
    let mut failure = None;
    let batches = overlay.range(&start, &end).map_while(|entry| {
        let batch = entry.and_then(|(key, value)| load::decode_batch(&key, value));
        batch.map_err(|error| failure = Some(error)).ok()
    });
    let records = batches.flat_map(|batch| batch.records);
    let to = decide(&mut records.skip_while(|record| record.seq_num < floor));
    failure.map_or(Ok(to), Err)
}

fn keys(overlay: &Overlay<'_>, start: &[u8], end: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    overlay.range(start, end).map(|entry| Ok(entry?.0)).collect()
}
