//! One run that the worker holds: its inputs, and its frames until they are acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_protocol::Record;
use tidegate_protocol::link::{BootFrame, HeldWork, Parked, WorkId, WorkerFrame};
use tokio::sync::Notify;

/// See the module.
#[derive(Debug)]
pub(super) struct Held {
    run: String,
    fence: u64,
    seq: u64,
    acked: u64,
    unacked: VecDeque<(u64, String)>,
    /// How many of these were sent on this connection.
    sent: usize,
    inputs: VecDeque<Record>,
    seen: Option<u64>,
    parked: bool,
    evicted: bool,
    /// Frames without a seq that are still to be sent.
    states: VecDeque<String>,
    wake: Arc<Notify>,
}

/// What the run does next.
#[derive(Debug)]
pub(super) enum Next {
    Input(Box<Record>),
    Leave,
    Nothing,
}

impl Held {
    pub(super) fn new(boot: &BootFrame) -> Self {
        let (run, fence, seen) = (boot.run.clone(), boot.fence, boot.floor);
        let (seq, acked, sent) = (0, 0, 0);
        let (unacked, inputs, parked, evicted, wake) = Default::default();
        let states = VecDeque::from([ready(&boot.id)]);
        Self { run, fence, seq, acked, unacked, sent, inputs, seen, parked, evicted, states, wake }
    }

    pub(super) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Takes a numbered frame, made with its seq.
    pub(super) fn push(&mut self, frame: impl FnOnce(u64) -> WorkerFrame) {
        self.seq += 1;
        self.unacked.push_back((self.seq, frame(self.seq).to_json()));
    }

    pub(super) fn handle_inputs(&mut self, records: Vec<Record>) {
        for record in records {
            if Some(record.seq_num) > self.seen {
                self.seen = Some(record.seq_num);
                self.inputs.push_back(record);
            }
        }
        self.wake.notify_one();
    }

    pub(super) fn handle_evict(&mut self) {
        self.evicted = true;
        self.wake.notify_one();
    }

    pub(super) fn acknowledge(&mut self, seq: u64) {
        while self.unacked.pop_front_if(|(first, _)| *first <= seq).is_some() {
            self.sent = self.sent.saturating_sub(1);
        }
        self.acked = self.acked.max(seq);
        self.wake.notify_one();
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.unacked.is_empty()
    }

    /// The next thing to do; parks if there is none.
    pub(super) fn next(&mut self, id: &str) -> Next {
        let next = match self.inputs.pop_front() {
            Some(record) => Next::Input(Box::new(record)),
            None if self.evicted => Next::Leave,
            None => Next::Nothing,
        };
        let parks = matches!(next, Next::Nothing);
        if parks && !self.parked {
            self.states.push_back(parked(id, self.seen));
        } else if !parks && self.parked {
            self.states.push_back(WorkerFrame::Unparked(WorkId { id: id.to_owned() }).to_json());
        }
        self.parked = parks;
        next
    }

    /// The link stands again: everything that is not acknowledged goes out once more.
    pub(super) fn send_again(&mut self, id: &str) {
        self.sent = 0;
        self.states = VecDeque::from([ready(id)]);
        if self.parked {
            self.states.push_back(parked(id, self.seen));
        }
    }

    /// The next message: numbered ones first, since `parked` speaks of what was said before.
    pub(super) fn next_message(&mut self) -> Option<String> {
        if let Some((_, text)) = self.unacked.get(self.sent) {
            self.sent += 1;
            return Some(text.clone());
        }
        self.states.pop_front()
    }

    /// What `hello` says of it.
    pub(super) fn shown(&self, id: &str) -> HeldWork {
        HeldWork {
            id: id.to_owned(),
            acked: self.acked,
            seen: self.seen,
            run: Some(self.run.clone()),
            fence: Some(self.fence),
            parked: self.parked,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

fn ready(id: &str) -> String {
    WorkerFrame::Ready(WorkId { id: id.to_owned() }).to_json()
}

fn parked(id: &str, seen: Option<u64>) -> String {
    WorkerFrame::Parked(Parked { id: id.to_owned(), seen }).to_json()
}
