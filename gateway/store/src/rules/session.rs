//! The state of one session that decides what a commit does.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::seams::store::{StreamState, Writer};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;

use super::fences::Fences;
use super::stream::StreamHead;

/// State of a session; `D` is what the store keeps with each stream.
#[derive(Debug)]
pub(crate) struct SessionState<D> {
    pub(crate) incarnation: Incarnation,
    /// Was anything committed in this incarnation?
    pub(crate) used: bool,
    pub(crate) fences: Fences,
    pub(crate) lease: Option<HeldLease>,
    /// How often it changed hands between the gateways that share the store.
    pub(crate) term: u64,
    pub(crate) streams: BTreeMap<Channel, Stream<D>>,
    /// `.in` seqs without a fate.
    pub(crate) owed: BTreeSet<u64>,
    /// Version of the row, if there is one.
    pub(crate) row_version: Option<u64>,
}

/// One stream with what the store keeps with it.
#[derive(Debug)]
pub(crate) struct Stream<D> {
    pub(crate) head: StreamHead,
    pub(crate) data: D,
}

/// Where the streams of a session start. It counts up when the session is deleted, for all
/// streams alike: a side channel's tail need not outlive it, and none reuses a seq.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Incarnation {
    /// Epoch of every stream.
    pub(crate) epoch: u64,
    /// First seq of every stream.
    pub(crate) base: u64,
}

/// A lease that was taken and not given up; it may have run out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldLease {
    pub(crate) holder: String,
    /// Unix ms.
    pub(crate) until: u64,
}

impl<D> Default for SessionState<D> {
    fn default() -> Self {
        Self {
            incarnation: Incarnation::default(),
            used: false,
            fences: Fences::default(),
            lease: None,
            term: 0,
            streams: BTreeMap::new(),
            owed: BTreeSet::new(),
            row_version: None,
        }
    }
}

impl<D> SessionState<D> {
    /// Lets in a writer that [`check`](super::check::check) found allowed. A bump ends the lease:
    /// the run that held it is cut off, and must not get the new fence by renewing.
    pub(crate) fn admit(&mut self, writer: Writer) {
        if writer == (Writer::Gateway { bump: true }) {
            self.fences.fence += 1;
            self.lease = None;
        }
    }

    /// The first input at or above `floor` of `channel` that must stay, because it is owed.
    pub(crate) fn first_owed(&self, channel: &Channel, floor: u64) -> Option<u64> {
        let is_input = *channel == Channel::IN;
        self.owed.range(floor..).next().copied().filter(|_| is_input)
    }

    /// What remains of the session when it is deleted. An unused one loses but its lease.
    pub(crate) fn tombstone(&self) -> Self {
        if !self.used {
            let Self { incarnation, fences, term, .. } = *self;
            return Self { incarnation, fences, term, ..Self::default() };
        }
        let tails = self.streams.values().map(|stream| stream.head.tail);
        let highest = tails.max().unwrap_or(self.incarnation.base).max(self.incarnation.base);
        Self {
            incarnation: self.incarnation.after(highest),
            fences: Fences { fence: self.fences.fence + 1, handovers: self.fences.handovers + 1 },
            // Whoever served it serves it no more.
            term: self.term + 1,
            ..Self::default()
        }
    }

    /// Where `channel` stands.
    pub(crate) fn stream_state(&self, channel: &Channel) -> StreamState {
        match self.streams.get(channel) {
            Some(stream) => stream.head.state(self.fences),
            None => self.incarnation.start().state(self.fences),
        }
    }
}

impl Incarnation {
    /// A stream of this incarnation without a record.
    pub(crate) fn start(self) -> StreamHead {
        StreamHead::starting(self.epoch, self.base)
    }

    /// The next one, after streams whose highest tail is `highest`.
    pub(crate) fn after(self, highest: u64) -> Self {
        Self { epoch: self.epoch + 1, base: highest + EPOCH_SEQ_STRIDE }
    }
}
