//! One piece of work that the worker holds: what is to be sent for it, and what the gateway has
//! not acknowledged yet.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use serde_json::value::RawValue;
use tidegate_protocol::link::{Done, HandoverFrame, HeldWork, Out, WorkerFrame};

use crate::error::AnswerError;

/// Bytes of chunks that wait to be sent before the agent has to wait.
const PENDING_BYTES: usize = 64 * 1024;
/// Bytes of chunks that are put in one frame.
const FRAME_BYTES: usize = 256 * 1024;
/// What a frame has besides its chunks and its id, at most.
const ENVELOPE_BYTES: usize = 64;

/// See the module. Dropping it wakes whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The last seq that was given to a frame.
    seq: u64,
    acked: u64,
    /// Frames that are not acknowledged, in order.
    unacked: VecDeque<(u64, String)>,
    unacked_bytes: usize,
    /// How many of these were sent on this connection.
    sent: usize,
    pending: VecDeque<Box<RawValue>>,
    pending_bytes: usize,
    end: End,
    /// Nothing may be sent yet: the first step is made elsewhere (R-HDS-23).
    waits: bool,
    /// What became of that step, until the agent takes it.
    handover: Option<Box<HandoverFrame>>,
    /// How it went on after the worker was done with it, for whoever asks later.
    fate: Arc<OnceLock<Fate>>,
    refused: Option<AnswerError>,
    wakers: Vec<Waker>,
    queued: bool,
}

/// How far the answer is on its way out.
#[derive(Debug, Default)]
enum End {
    #[default]
    Open,
    /// The agent is done; the error is for the user.
    Wanted(Option<String>),
    Framed,
}

/// How a piece of work ended, as the gateway says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Everything that was sent is committed.
    Stored,
    /// The user stopped it.
    Stopped,
}

impl Held {
    /// A piece of work; `head_start`: nothing is sent for it until it is handed over.
    pub(super) fn new(head_start: bool) -> Self {
        let mut held = Self::default();
        held.waits = head_start;
        held
    }

    /// The step that was made elsewhere has ended. The gateway repeats that on a new link: only
    /// the first counts.
    pub(super) fn hand_over(&mut self, handover: Box<HandoverFrame>) {
        if std::mem::take(&mut self.waits) {
            self.handover = Some(handover);
            self.wake();
        }
    }

    pub(super) fn take_handover(&mut self) -> Option<Box<HandoverFrame>> {
        self.handover.take()
    }

    /// Where its end will be written; nothing is for one that was lost.
    pub(super) fn fate(&self) -> Arc<OnceLock<Fate>> {
        Arc::clone(&self.fate)
    }

    /// It is over.
    pub(super) fn close(self, fate: Option<Fate>) {
        if let Some(fate) = fate {
            // The first word counts; there is no second.
            let _ = self.fate.set(fate);
        }
    }

    /// It will get its turn to send. Answers whether that is news.
    pub(super) fn enter_queue(&mut self) -> bool {
        !std::mem::replace(&mut self.queued, true)
    }

    pub(super) fn leave_queue(&mut self) {
        self.queued = false;
    }

    /// Is there room for another chunk? Nothing makes room while nothing may be sent: who waited
    /// for that would wait for itself.
    pub(super) fn has_room(&self) -> bool {
        self.waits || self.pending_bytes < PENDING_BYTES
    }

    pub(super) fn push(&mut self, chunk: Box<RawValue>) {
        self.pending_bytes += chunk.get().len();
        self.pending.push_back(chunk);
    }

    /// Nothing more is pushed; `error` is shown to the user.
    pub(super) fn end(&mut self, error: Option<String>) {
        if matches!(self.end, End::Open) {
            self.end = End::Wanted(error);
        }
    }

    /// The gateway did not take a frame.
    pub(super) fn refuse(&mut self, error: AnswerError) {
        self.refused = Some(error);
        self.wake();
    }

    pub(super) fn take_refusal(&mut self) -> Option<AnswerError> {
        self.refused.take()
    }

    /// Woken when there is room, or the work is gone.
    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|known| known.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }

    /// The text of the next message, if the window of `window` bytes has room for it (R-LNK-20).
    pub(super) fn next_message(&mut self, id: &str, window: usize) -> Option<String> {
        if self.waits {
            return None;
        }
        if self.sent == self.unacked.len() {
            self.frame(id, window)?;
        }
        let (_, text) = &self.unacked[self.sent];
        self.sent += 1;
        Some(text.clone())
    }

    /// The gateway has committed everything up to `seq` (R-LNK-19).
    pub(super) fn acknowledge(&mut self, seq: u64) {
        while let Some((_, text)) = self.unacked.pop_front_if(|(first, _)| *first <= seq) {
            self.unacked_bytes -= text.len();
            self.sent = self.sent.saturating_sub(1);
        }
        self.acked = self.acked.max(seq);
    }

    /// A new connection: what is not acknowledged goes out again (R-LNK-11).
    pub(super) fn send_again(&mut self) {
        self.sent = 0;
    }

    /// Is everything said and acknowledged?
    pub(super) fn is_over(&self) -> bool {
        matches!(self.end, End::Framed) && self.unacked.is_empty()
    }

    /// What `hello` says of it (R-LNK-10).
    pub(super) fn shown(&self, id: &str) -> HeldWork {
        HeldWork { id: id.to_owned(), acked: self.acked, ..HeldWork::default() }
    }

    /// Makes a frame of what waits.
    fn frame(&mut self, id: &str, window: usize) -> Option<()> {
        let used = self.unacked_bytes;
        let room =
            if used == 0 { FRAME_BYTES } else { FRAME_BYTES.min(window.saturating_sub(used)) };
        let room = room.saturating_sub(ENVELOPE_BYTES + id.len());
        let (id, seq) = (id.to_owned(), self.seq + 1);
        let frame = if self.pending.is_empty() {
            let End::Wanted(error) = &mut self.end else { return None };
            if used > 0 && error.as_ref().map_or(0, |text| text.len() * 6) >= room {
                return None;
            }
            let error = error.take();
            self.end = End::Framed;
            WorkerFrame::Done(Done { id, seq, error })
        } else {
            let chunks = self.take_chunks(room, used == 0);
            if chunks.is_empty() {
                return None;
            }
            WorkerFrame::Out(Out { id, seq, chunks, records: Vec::new() })
        };
        let text = frame.to_json();
        self.seq = seq;
        self.unacked_bytes += text.len();
        self.unacked.push_back((seq, text));
        Some(())
    }

    /// Chunks that fit in `room` bytes; `one`: at least one, whatever its size.
    fn take_chunks(&mut self, room: usize, one: bool) -> Vec<Box<RawValue>> {
        let mut chunks = Vec::new();
        let mut bytes = 0;
        while let Some(chunk) = self.pending.front() {
            let more = chunk.get().len() + 1;
            if bytes + more > room && !(one && chunks.is_empty()) {
                break;
            }
            bytes += more;
            self.pending_bytes -= more - 1;
            chunks.extend(self.pending.pop_front());
        }
        if self.has_room() {
            self.wake();
        }
        chunks
    }

    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.wake();
    }
}
