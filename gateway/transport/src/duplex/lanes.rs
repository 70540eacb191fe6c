//! The streams of a WebTransport session.

use std::collections::{HashMap, HashSet};
use std::task::{Context, Poll};

use bytes::Bytes;

use super::lane::Lane;
use crate::webtransport::Session;

/// See the module.
pub(super) struct Lanes {
    session: Session,
    open: HashMap<u64, Lane>,
    /// Those whose client takes no more at the moment.
    blocked: HashSet<u64>,
}

/// What became of a stream.
pub(super) enum Moved {
    /// It takes more again.
    Free(u64),
    /// The client stopped it.
    Stopped(u64),
}

impl Lanes {
    pub(super) fn new(session: Session) -> Self {
        Self { session, open: HashMap::new(), blocked: HashSet::new() }
    }

    pub(super) fn is_blocked(&self, id: u64) -> bool {
        self.blocked.contains(&id)
    }

    /// Writes a frame of subscription `id`, or as much as the client takes. Was its stream stopped?
    pub(super) fn send(&mut self, cx: &mut Context<'_>, id: u64, frame: [Bytes; 3]) -> bool {
        let lane = self.open.entry(id).or_insert_with(|| Lane::open(&self.session, id));
        lane.push(frame);
        match lane.poll_write(cx) {
            Poll::Ready(Ok(())) => false,
            Poll::Ready(Err(_)) => {
                self.open.remove(&id);
                true
            }
            Poll::Pending => {
                self.blocked.insert(id);
                false
            }
        }
    }

    /// The next stream that goes on, or ends.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Moved> {
        for id in &self.blocked {
            let id = *id;
            let Some(lane) = self.open.get_mut(&id) else { continue };
            let Poll::Ready(written) = lane.poll_write(cx) else { continue };
            self.blocked.remove(&id);
            if written.is_ok() {
                return Poll::Ready(Moved::Free(id));
            }
            self.open.remove(&id);
            return Poll::Ready(Moved::Stopped(id));
        }
        Poll::Pending
    }

    /// Subscription `id` has ended.
    pub(super) fn end(&mut self, id: u64) {
        self.blocked.remove(&id);
        if let Some(lane) = self.open.remove(&id) {
            lane.end();
        }
    }
}
