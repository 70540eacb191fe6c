//! One session in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::seams::store::{Fate, Retention};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};

use super::batches::Batches;
use crate::rules::retention;
use crate::rules::session::{SessionState, Stream};

/// A session with all that belongs to it.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) state: SessionState<Batches>,
    pub(super) fates: BTreeMap<u64, Fate>,
    pub(super) blobs: BTreeMap<String, Bytes>,
    pub(super) row: Option<Arc<SessionRow>>,
}

impl Session {
    /// The stream of `channel`, made if this is its first use.
    pub(super) fn stream(
        &mut self,
        session: &SessionKey,
        channel: &Channel,
    ) -> &mut Stream<Batches> {
        let incarnation = self.state.incarnation;
        // Two lookups only where the stream is new: the key is not cloned for a known one.
        if !self.state.streams.contains_key(channel) {
            let id = StreamId { session: session.clone(), channel: channel.clone() };
            let stream = Stream { head: incarnation.start(), data: Batches::new(id) };
            self.state.streams.insert(channel.clone(), stream);
        }
        self.state.streams.get_mut(channel).expect("inserted above")
    }

    /// Records that `seq` met `fate`, unless it has one: an input has exactly one (I2).
    pub(super) fn settle(&mut self, seq: u64, fate: Fate) {
        self.state.owed.remove(&seq);
        let input = self.state.streams.get(&Channel::IN);
        let known = input.is_some_and(|s| (s.head.retention_floor..s.head.tail).contains(&seq));
        if known {
            self.fates.entry(seq).or_insert(fate);
        }
    }

    /// Moves the retention floor of `channel` to `before`.
    pub(super) fn trim_retention(&mut self, channel: &Channel, before: u64) {
        let Some(stream) = self.state.streams.get_mut(channel) else { return };
        let records = stream.data.from(stream.head.retention_floor);
        let to = retention::trim(&stream.head, before, records);
        self.move_floor(channel, to);
    }

    /// Drops what `rules` no longer keep; gives the number of records.
    pub(super) fn enforce(&mut self, rules: &Retention, now: u64) -> u64 {
        let mut moves = Vec::new();
        for (channel, stream) in &self.state.streams {
            let (head, data) = (&stream.head, &stream.data);
            let owed = self.state.first_owed(channel, head.retention_floor);
            if retention::is_due(head, rules, now, data.oldest(head.retention_floor)) {
                let records = data.from(head.retention_floor);
                moves.push((channel.clone(), retention::enforce(head, rules, now, owed, records)));
            }
        }
        moves.iter().for_each(|(channel, to)| self.move_floor(channel, *to));
        moves.iter().map(|(_, to)| to.records).sum()
    }

    fn move_floor(&mut self, channel: &Channel, to: retention::Move) {
        let Some(stream) = self.state.streams.get_mut(channel) else { return };
        stream.head.trim_retention(to.floor, to.bytes);
        stream.data.drop_below(to.floor);
        if *channel == Channel::IN {
            self.fates = self.fates.split_off(&to.floor);
        }
    }
}
