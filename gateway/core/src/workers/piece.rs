//! One piece of work at a worker: its frames in order, each once, whatever happens to the link.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tidegate_protocol::ErrorCode;
use tidegate_protocol::limits::LINK_WINDOW_BYTES;
use tidegate_protocol::link::{Cause, GatewayFrame, WorkerFrame};
use tokio::sync::Notify;

use super::outbox::Outbox;

/// What happened to a piece of work.
#[derive(Debug)]
pub enum WorkEvent {
    /// The worker said something.
    Frame(Box<WorkerFrame>),
    /// It came back on a new link and has seen `.in` up to here.
    Resumed {
        /// Highest `.in` seq that it was sent.
        seen: Option<u64>,
    },
    /// Somebody else needs its place (R-LNK-18).
    Evict,
    /// It is gone; nothing follows.
    Lost(Cause),
}

#[derive(Debug)]
pub(super) struct Piece {
    pub(super) id: Arc<str>,
    pub(super) outbox: Arc<Outbox>,
    /// Sent again to a worker that never saw it.
    opening: Option<GatewayFrame>,
    inbox: Mutex<Inbox>,
    wake: Notify,
    /// Its place among the parked ones; 0 if it works.
    pub(super) parked: AtomicU64,
}

#[derive(Debug, Default)]
struct Inbox {
    events: VecDeque<WorkEvent>,
    /// Did the worker ever speak of it?
    started: bool,
    /// Highest seq that came.
    received: u64,
    /// Seq and size of the frames that are not acknowledged yet.
    unacknowledged: VecDeque<(u64, usize)>,
    bytes: usize,
    lost: bool,
}

impl Piece {
    pub(super) fn new(id: Arc<str>, outbox: Arc<Outbox>, opening: GatewayFrame) -> Self {
        Self::with(id, outbox, Some(opening), Inbox::default())
    }

    /// A run that a worker brought along from before the gateway's restart.
    pub(super) fn adopted(id: Arc<str>, outbox: Arc<Outbox>, acked: u64) -> Self {
        let inbox = Inbox { started: true, received: acked, ..Inbox::default() };
        Self::with(id, outbox, None, inbox)
    }

    fn with(
        id: Arc<str>,
        outbox: Arc<Outbox>,
        opening: Option<GatewayFrame>,
        inbox: Inbox,
    ) -> Self {
        let (wake, parked) = Default::default();
        Self { id, outbox, opening, inbox: Mutex::new(inbox), wake, parked }
    }

    /// A frame of the worker of `bytes` bytes: taken, ignored as a repeat, or the end of the work.
    pub(super) fn receive(&self, frame: WorkerFrame, bytes: usize) -> Result<(), ErrorCode> {
        let mut inbox = self.inbox.lock();
        if inbox.lost {
            return Err(ErrorCode::NotHeld);
        }
        inbox.started = true;
        if let Some(seq) = frame.seq() {
            if seq <= inbox.received {
                return Ok(());
            }
            if seq != inbox.received + 1 {
                return Err(ErrorCode::SeqGap);
            }
            // One frame always fits, or a large record could never be sent.
            if inbox.bytes > 0 && inbox.bytes + bytes > LINK_WINDOW_BYTES {
                return Err(ErrorCode::WindowExceeded);
            }
            inbox.received = seq;
            inbox.bytes += bytes;
            inbox.unacknowledged.push_back((seq, bytes));
        }
        inbox.events.push_back(WorkEvent::Frame(Box::new(frame)));
        drop(inbox);
        self.wake.notify_one();
        Ok(())
    }

    /// The worker is back: `acked` answers what it need not send again. A worker that never saw
    /// the work gets it again.
    pub(super) fn resume(&self, seen: Option<u64>) -> u64 {
        let mut inbox = self.inbox.lock();
        inbox.started = true;
        inbox.events.push_back(WorkEvent::Resumed { seen });
        let received = inbox.received;
        drop(inbox);
        self.wake.notify_one();
        received
    }

    /// The worker is back and does not know the work: sent again if it never began.
    pub(super) fn reopen(&self) {
        let started = self.inbox.lock().started;
        match (&self.opening, started) {
            (Some(opening), false) => self.outbox.push(opening.clone()),
            _ => self.lose(Cause::Crashed),
        }
    }

    pub(super) fn is_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed) != 0
    }

    pub(super) fn ask_to_leave(&self) {
        self.inbox.lock().events.push_back(WorkEvent::Evict);
        self.wake.notify_one();
    }

    pub(super) fn lose(&self, cause: Cause) {
        let mut inbox = self.inbox.lock();
        if !inbox.lost {
            inbox.lost = true;
            inbox.events.push_back(WorkEvent::Lost(cause));
        }
        drop(inbox);
        self.wake.notify_one();
    }

    /// Everything up to `seq` has taken effect.
    pub(super) fn acknowledge(&self, seq: u64) {
        let mut inbox = self.inbox.lock();
        while let Some((_, bytes)) = inbox.unacknowledged.pop_front_if(|(first, _)| *first <= seq) {
            inbox.bytes -= bytes;
        }
        drop(inbox);
        self.outbox.push(GatewayFrame::ack(&self.id, seq));
    }

    /// The next event. Cancel-safe.
    pub(super) async fn next(&self) -> WorkEvent {
        loop {
            if let Some(event) = self.inbox.lock().events.pop_front() {
                return event;
            }
            self.wake.notified().await;
        }
    }
}
