//! The streams of a WebTransport session.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::task::{Context, Poll};

use bytes::Bytes;
use tidegate_protocol::limits::DUPLEX_STREAMS_UNSENT_MAX_BYTES;

use super::lane::Lane;
use crate::webtransport::Session;

/// See the module.
pub(super) struct Lanes {
    session: Session,
    open: HashMap<u64, Lane>,
    /// Those whose client takes no more at the moment.
    blocked: HashSet<u64>,
    /// Bytes that wait in all of them.
    unsent: usize,
    /// Was somebody told to wait because there was no room for anybody?
    passed_over: Cell<bool>,
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// All of it is with the transport.
    Whole,
    /// Some of it waits.
    Blocked,
    /// The client stopped it.
    Stopped,
}

impl Lanes {
    pub(super) fn new(session: Session) -> Self {
        let (open, blocked, unsent, passed_over) = Default::default();
        Self { session, open, blocked, unsent, passed_over }
    }

    /// Does none of them get more?
    pub(super) fn is_full(&self) -> bool {
        self.unsent >= DUPLEX_STREAMS_UNSENT_MAX_BYTES
    }

    /// Who is blocked waits for its own stream to go on, or for [`Self::has_room_again`].
    pub(super) fn is_blocked(&self, id: u64) -> bool {
        if self.is_full() {
            self.passed_over.set(true);
        }
        self.is_full() || self.blocked.contains(&id)
    }

    /// Can those go on who were told to wait for room? Said once.
    pub(super) fn has_room_again(&self) -> bool {
        !self.is_full() && self.passed_over.take()
    }

    pub(super) fn unsent(&self) -> usize {
        self.unsent
    }

    /// Writes a frame of subscription `id`, or as much as the client takes.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, id: u64, frame: [Bytes; 3]) -> Sent {
        let before = self.open.get(&id).map_or(0, Lane::unsent);
        let lane = self.open.entry(id).or_insert_with(|| Lane::open(&self.session, id));
        lane.push(frame);
        self.unsent = self.unsent - before + lane.unsent();
        self.write(cx, id)
    }

    /// The next stream that goes on, or ends.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(u64, Sent)> {
        let blocked: Vec<u64> = self.blocked.iter().copied().collect();
        for id in blocked {
            let sent = self.write(cx, id);
            if sent != Sent::Blocked {
                return Poll::Ready((id, sent));
            }
        }
        Poll::Pending
    }

    /// Subscription `id` has ended.
    pub(super) fn end(&mut self, id: u64) {
        self.blocked.remove(&id);
        if let Some(lane) = self.open.remove(&id) {
            self.unsent -= lane.unsent();
            lane.end();
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, id: u64) -> Sent {
        let Some(lane) = self.open.get_mut(&id) else { return Sent::Stopped };
        self.unsent -= lane.unsent();
        let written = lane.poll_write(cx);
        if let Poll::Ready(Err(_)) = written {
            self.blocked.remove(&id);
            self.open.remove(&id);
            return Sent::Stopped;
        }
        self.unsent += lane.unsent();
        if written.is_pending() {
            self.blocked.insert(id);
            return Sent::Blocked;
        }
        self.blocked.remove(&id);
        Sent::Whole
    }
}
