//! Where one stream stands, and how records get their places in it.

use std::sync::Arc;

use tidegate_core::seams::store::{Append, Appended, StreamState};
use tidegate_protocol::Record;

use super::fences::Fences;
use super::frames::Frames;

/// The state of one stream. Units and meanings are those of
/// [`StreamState`].
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamHead {
    pub(crate) epoch: u64,
    pub(crate) base: u64,
    pub(crate) tail: u64,
    pub(crate) retention_floor: u64,
    pub(crate) replay_floor: u64,
    pub(crate) bytes: u64,
    pub(crate) last_timestamp: u64,
    pub(crate) frames: Frames,
}

impl StreamHead {
    /// A stream of `epoch` without a record.
    pub(crate) fn starting(epoch: u64, base: u64) -> Self {
        Self {
            epoch,
            base,
            tail: base,
            retention_floor: base,
            replay_floor: base,
            ..Self::default()
        }
    }

    /// Gives the records of `append` their places at the tail.
    pub(crate) fn append(&mut self, append: Append, now: u64) -> (Appended, Arc<[Record]>) {
        let timestamp = now.max(self.last_timestamp);
        let first = self.tail;
        let place = |(at, record): (u64, tidegate_protocol::NewRecord)| record.at(at, timestamp);
        let records: Arc<[Record]> = (first..).zip(append.records).map(place).collect();
        let count = records.len() as u64;
        self.tail += count;
        self.bytes += metered(&records);
        self.last_timestamp = timestamp;
        let answer = Appended { epoch: self.epoch, first, count, timestamp, repeated: false };
        if let Some(key) = &append.frame_key
            && count > 0
        {
            self.frames.put(key, answer);
        }
        (answer, records)
    }

    /// Moves the replay floor to `before` (never back, never beyond the tail).
    pub(crate) fn trim_replay(&mut self, before: u64) {
        self.replay_floor = self.replay_floor.max(before.min(self.tail));
    }

    /// Moves the retention floor to `floor`, below which `bytes` metered bytes were held.
    pub(crate) fn trim_retention(&mut self, floor: u64, bytes: u64) {
        debug_assert!(floor >= self.retention_floor && floor <= self.tail);
        self.retention_floor = floor;
        self.replay_floor = self.replay_floor.max(floor);
        self.bytes -= bytes;
    }

    /// As the seam shows it.
    pub(crate) fn state(&self, fences: Fences) -> StreamState {
        StreamState {
            epoch: self.epoch,
            tail: self.tail,
            base: self.base,
            retention_floor: self.retention_floor,
            replay_floor: self.replay_floor,
            bytes: self.bytes,
            last_timestamp: self.last_timestamp,
            fence: fences.fence,
            handovers: fences.handovers,
        }
    }
}

/// Metered size of `records`, bytes.
pub(crate) fn metered(records: &[Record]) -> u64 {
    records.iter().map(|record| record.metered_len() as u64).sum()
}
