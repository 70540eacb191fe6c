//! The committing thread's own state of a session: ahead of what is stored by the writes of the
//! running group.

use std::sync::Arc;

use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{Channel, StreamId};

use super::values::heads::{SessionHead, StoredStream};
use crate::rules::session::{SessionState, Stream};

/// A session that is being written to.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Streams are loaded as they are needed.
    pub(super) state: SessionState<StreamWork>,
    /// Number under which its data is stored, once there is any.
    pub(super) number: Option<u64>,
    pub(super) row: Option<Arc<SessionRow>>,
    /// Channels that the running group changed.
    pub(super) dirty: Vec<Channel>,
    /// Did the running group touch it?
    pub(super) touched: bool,
}

/// What is kept with each stream.
#[derive(Debug)]
pub(super) struct StreamWork {
    pub(super) id: Arc<StreamId>,
    /// Number under which its batches are stored.
    pub(super) number: u64,
    /// Metered bytes of all its records ever.
    pub(super) total: u64,
}

impl Work {
    /// The session's head, as it is stored.
    pub(super) fn head(&self) -> SessionHead {
        let state = &self.state;
        SessionHead {
            number: self.number,
            epoch: state.incarnation.epoch,
            base: state.incarnation.base,
            fence: state.fences.fence,
            handovers: state.fences.handovers,
            lease: state.lease.as_ref().map(|lease| (lease.holder.clone(), lease.until)),
        }
    }

    /// Marks `channel` as changed by the running group.
    pub(super) fn touch(&mut self, channel: &Channel) {
        if !self.dirty.contains(channel) {
            self.dirty.push(channel.clone());
        }
    }
}

/// A stream's head, as it is stored.
pub(super) fn stored_stream(stream: &Stream<StreamWork>) -> StoredStream {
    StoredStream {
        number: stream.data.number,
        retention_floor: stream.head.retention_floor,
        total_before_floor: stream.data.total - stream.head.bytes,
        replay_floor: stream.head.replay_floor,
    }
}
