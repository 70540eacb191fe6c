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

/// Events of one piece of work that may wait: many small frames fit into the window.
const EVENTS_MAX: usize = 65_536;

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
    /// Highest seq that has taken effect.
    acknowledged: u64,
    /// Seq and size of the frames that are not acknowledged yet.
    unacknowledged: VecDeque<(u64, usize)>,
    bytes: usize,
    lost: bool,
    /// The worker is on a new link and has not said yet what it has seen.
    awaited: bool,
    /// [`WorkEvent::Resumed`] that were not taken yet.
    resumptions: usize,
}

impl Inbox {
    fn resume(&mut self, seen: Option<u64>) {
        self.awaited = false;
        self.resumptions += 1;
        self.events.push_back(WorkEvent::Resumed { seen });
    }
}

impl Piece {
    pub(super) fn new(id: Arc<str>, outbox: Arc<Outbox>, opening: GatewayFrame) -> Self {
        Self::with(id, outbox, Some(opening), Inbox::default())
    }

    /// A run that a worker brought along from before the gateway's restart.
    pub(super) fn adopted(id: Arc<str>, outbox: Arc<Outbox>, acked: u64) -> Self {
        let (received, acknowledged) = (acked, acked);
        let inbox = Inbox { started: true, received, acknowledged, ..Inbox::default() };
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
        // Frames without a place are few; a worker that floods them loses the work.
        if inbox.events.len() > EVENTS_MAX {
            return Err(ErrorCode::WindowExceeded);
        }
        inbox.events.push_back(WorkEvent::Frame(Box::new(frame)));
        drop(inbox);
        self.wake.notify_one();
        Ok(())
    }

    /// The worker is about to be on a new link: what was sent on the old one may be lost.
    pub(super) fn expect(&self) {
        self.inbox.lock().awaited = true;
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.inbox.lock().awaited
    }

    /// Sends a frame, but no inputs before it is known which of those before them arrived: they
    /// would overtake these. All of them follow [`WorkEvent::Resumed`].
    pub(super) fn send(&self, frame: GatewayFrame) {
        let inbox = self.inbox.lock();
        let waits = inbox.awaited || inbox.resumptions > 0;
        if !(waits && matches!(frame, GatewayFrame::In(_))) {
            self.outbox.push(frame);
        }
    }

    /// The worker is back. Gives the seq up to which it may forget its frames: what came but has
    /// not taken effect would be lost with this process.
    pub(super) fn resume(&self, seen: Option<u64>) -> u64 {
        let mut inbox = self.inbox.lock();
        inbox.started = true;
        inbox.resume(seen);
        let acknowledged = inbox.acknowledged;
        drop(inbox);
        self.wake.notify_one();
        acknowledged
    }

    /// The worker is back and does not know the work: sent again, with its inputs, if it never
    /// began.
    pub(super) fn reopen(&self) {
        let mut inbox = self.inbox.lock();
        match (&self.opening, inbox.started) {
            (Some(opening), false) => {
                self.outbox.push(opening.clone());
                inbox.resume(None);
                drop(inbox);
                self.wake.notify_one();
            }
            _ => {
                drop(inbox);
                self.lose(Cause::Crashed);
            }
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
        inbox.acknowledged = inbox.acknowledged.max(seq);
        drop(inbox);
        self.outbox.push(GatewayFrame::ack(&self.id, seq));
    }

    /// The next event. Cancel-safe.
    pub(super) async fn next(&self) -> WorkEvent {
        loop {
            {
                let mut inbox = self.inbox.lock();
                if let Some(event) = inbox.events.pop_front() {
                    inbox.resumptions -= usize::from(matches!(event, WorkEvent::Resumed { .. }));
                    return event;
                }
            }
            self.wake.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tidegate_protocol::link::{Done, WorkId};

    use super::super::outbox::Out;
    use super::*;

    fn done(seq: u64) -> WorkerFrame {
        WorkerFrame::Done(Done { id: "w".to_owned(), seq, error: None })
    }

    fn ready() -> WorkerFrame {
        WorkerFrame::Ready(WorkId { id: "w".to_owned() })
    }

    fn piece() -> (Piece, Arc<Outbox>) {
        let outbox = Arc::new(Outbox::new(1));
        (Piece::new("w".into(), Arc::clone(&outbox), GatewayFrame::Pong), outbox)
    }

    /// Seqs of the frames that wait; 0 for those that have none.
    fn taken(piece: &Piece) -> Vec<u64> {
        let mut seqs = Vec::new();
        while let Some(WorkEvent::Frame(frame)) = piece.next().now_or_never() {
            seqs.push(frame.seq().unwrap_or(0));
        }
        seqs
    }

    #[test]
    fn a_repeat_is_ignored_and_a_gap_is_refused() {
        let (piece, _) = piece();
        for frame in [ready(), done(1), done(2), done(1), done(2), ready(), done(3)] {
            assert_eq!(piece.receive(frame, 1), Ok(()));
        }
        assert_eq!(piece.receive(done(5), 1), Err(ErrorCode::SeqGap));
        assert_eq!(taken(&piece), [0, 1, 2, 0, 3]);
    }

    #[test]
    fn the_window_holds_what_is_unacknowledged_and_one_frame_always_fits() {
        let (piece, outbox) = piece();
        assert_eq!(piece.receive(done(1), LINK_WINDOW_BYTES + 1), Ok(()));
        assert_eq!(piece.receive(done(2), 1), Err(ErrorCode::WindowExceeded));
        piece.acknowledge(1);
        let ack = outbox.next(1).now_or_never();
        assert!(matches!(ack, Some(Out::Frame(GatewayFrame::Ack(ack))) if ack.seq == 1));
        assert_eq!(piece.receive(done(2), LINK_WINDOW_BYTES), Ok(()), "it was not taken before");
        assert_eq!(piece.receive(done(3), 1), Err(ErrorCode::WindowExceeded));
        assert_eq!(taken(&piece), [1, 2]);
    }

    #[test]
    fn one_acknowledgement_covers_those_below() {
        let (piece, _) = piece();
        for seq in 1..=4 {
            assert_eq!(piece.receive(done(seq), LINK_WINDOW_BYTES / 4), Ok(()));
        }
        assert_eq!(piece.receive(done(5), 1), Err(ErrorCode::WindowExceeded));
        piece.acknowledge(4);
        assert_eq!(piece.receive(done(5), LINK_WINDOW_BYTES), Ok(()));
    }

    #[test]
    fn a_worker_that_is_back_sends_only_what_did_not_come() {
        let (piece, _) = piece();
        assert_eq!(piece.receive(done(1), 1), Ok(()));
        assert_eq!(piece.resume(Some(7)), 0, "it came, but may still be lost with the process");
        assert_eq!(piece.receive(done(1), 1), Ok(()));
        assert_eq!(piece.receive(done(2), 1), Ok(()));
        assert_eq!(taken(&piece), [1]);
        // The event in between ended the loop above.
        assert_eq!(taken(&piece), [2]);
        piece.acknowledge(2);
        assert_eq!(piece.resume(Some(7)), 2);
        let adopted = Piece::adopted("w".into(), Arc::new(Outbox::new(1)), 4);
        assert_eq!(adopted.receive(done(4), 1), Ok(()));
        assert_eq!(adopted.receive(done(5), 1), Ok(()));
        assert_eq!(taken(&adopted), [5]);
    }

    #[test]
    fn work_is_sent_again_only_to_a_worker_that_never_spoke_of_it() {
        let (piece, outbox) = piece();
        piece.reopen();
        let opening = outbox.next(1).now_or_never();
        assert!(matches!(opening, Some(Out::Frame(GatewayFrame::Pong))), "{opening:?}");
        let event = piece.next().now_or_never();
        assert!(matches!(event, Some(WorkEvent::Resumed { seen: None })), "its inputs, too");
        assert_eq!(piece.receive(ready(), 1), Ok(()));
        piece.reopen();
        assert!(outbox.next(1).now_or_never().is_none());
        assert_eq!(taken(&piece), [0]);
    }

    #[test]
    fn inputs_do_not_overtake_those_that_a_cut_may_have_taken() {
        let (piece, outbox) = piece();
        let sent = |seq| {
            piece.send(GatewayFrame::inputs("w", Vec::new()));
            piece.send(GatewayFrame::ack("w", seq));
            let mut frames = Vec::new();
            while let Some(Out::Frame(frame)) = outbox.next(1).now_or_never() {
                frames.push(matches!(frame, GatewayFrame::In(_)));
            }
            frames
        };
        assert_eq!(sent(1), [true, false]);
        piece.expect();
        assert_eq!(sent(2), [false]);
        piece.resume(Some(7));
        assert_eq!(sent(3), [false]);
        let event = piece.next().now_or_never();
        assert!(matches!(event, Some(WorkEvent::Resumed { seen: Some(7) })), "{event:?}");
        assert_eq!(sent(4), [true, false]);
    }

    #[test]
    fn lost_work_says_so_once_and_takes_nothing_more() {
        let (piece, _) = piece();
        piece.lose(Cause::WorkerLost);
        piece.lose(Cause::Crashed);
        assert_eq!(piece.receive(done(1), 1), Err(ErrorCode::NotHeld));
        let event = piece.next().now_or_never();
        assert!(matches!(event, Some(WorkEvent::Lost(Cause::WorkerLost))), "{event:?}");
        assert!(piece.next().now_or_never().is_none());
    }
}
