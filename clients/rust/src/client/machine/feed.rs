//! One subscription over all of its transports: what was delivered, what waits, what was taken.
//! Pure: records go in from any transport, events come out once and in order.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use tidegate_protocol::Record;
use tidegate_protocol::control;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::duplex::GapReason;
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;

use crate::client::error::Error;
use crate::client::event::{Event, Transport};

/// See the module.
#[derive(Debug)]
pub(crate) struct Feed {
    start: Start,
    /// First seq that was not put into the queue; `None` until the position is known.
    next: Option<u64>,
    window: u64,
    queue: VecDeque<Event>,
    /// Metered bytes that wait.
    queued: u64,
    /// Metered bytes that the application took, ever.
    popped: u64,
    /// Seq before which the application took everything.
    taken: u64,
    in_turn: bool,
    /// Seq up to which every input has its fate, as the newest boundary says.
    answered: Option<u64>,
    transport: Option<Transport>,
    failure: Option<Error>,
    over: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Feed {
    /// Nothing was read yet. `window` is how many metered bytes may wait.
    pub(crate) fn new(start: Start, window: u64) -> Self {
        Self {
            start,
            next: None,
            window,
            queue: VecDeque::new(),
            queued: 0,
            popped: 0,
            taken: 0,
            in_turn: false,
            answered: None,
            transport: None,
            failure: None,
            over: false,
            reader: None,
            writer: None,
        }
        .begun()
    }

    fn begun(mut self) -> Self {
        if let Start::From(seq) = self.start {
            self.next = Some(seq);
        }
        self
    }

    /// Where a transport that is opened now begins.
    pub(crate) fn start(&self) -> Start {
        match self.next {
            None => self.start,
            Some(next) => Start::From(next),
        }
    }

    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// First seq that is still to come; `None` until the position is known.
    pub(crate) fn next_seq(&self) -> Option<u64> {
        self.next
    }

    /// `transport` is open. `from` is the first seq that it can bring, if it began without a
    /// cursor and says so.
    pub(crate) fn handle_opened(&mut self, transport: Transport, from: Option<u64>) {
        if let Some(from) = from {
            self.handle_position(from);
        }
        if self.transport != Some(transport) {
            self.transport = Some(transport);
            self.push(Event::Transport(transport));
        }
    }

    /// The first seq that can come is `from`.
    pub(crate) fn handle_position(&mut self, from: u64) {
        match self.next {
            None => self.next = Some(from),
            Some(next) => self.handle_gap(next, from, GapReason::Retention),
        }
    }

    /// Records in order, of which some may be known already.
    pub(crate) fn handle_records(&mut self, records: Vec<Record>) {
        for record in records {
            if record.is_command() || self.next.is_some_and(|next| record.seq_num < next) {
                continue;
            }
            self.next = Some(record.seq_num + 1);
            self.queued += record.metered_len() as u64;
            self.note_turn(&record);
            self.push(Event::Record(record));
        }
    }

    /// Does `seq`, the first of a read that began at the cursor, show that others are missing?
    /// Command records are left out of reads, so a jump within an epoch proves nothing.
    pub(crate) fn jump_to(&self, seq: u64) -> Option<GapReason> {
        let next = self.next.filter(|next| seq > *next)?;
        let epoch = |seq: u64| seq / EPOCH_SEQ_STRIDE;
        Some(if epoch(next) == epoch(seq) { GapReason::Retention } else { GapReason::Epoch })
    }

    /// Records before `to` can't be delivered.
    pub(crate) fn handle_gap(&mut self, from: u64, to: u64, reason: GapReason) {
        let from = self.next.map_or(from, |next| next.max(from));
        if from < to {
            self.next = Some(to);
            self.push(Event::Gap { from, to, reason });
        }
    }

    /// The input `seq` will be answered: until then, silence is suspicious.
    pub(crate) fn expect_answer(&mut self, seq: u64) {
        self.in_turn |= self.answered.is_none_or(|answered| answered < seq);
    }

    /// Does a turn run, as far as the client knows?
    pub(crate) fn in_turn(&self) -> bool {
        self.in_turn && !self.is_over()
    }

    /// No transport can bring more.
    pub(crate) fn handle_failed(&mut self, error: Error) {
        if !self.over {
            self.over = true;
            self.failure = Some(error);
            self.wake();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The next event; `None` after the failure was told.
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let Some(event) = self.queue.pop_front() else {
            if self.over {
                return Poll::Ready(self.failure.take().map(Err));
            }
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if let Event::Record(record) = &event {
            let bytes = record.metered_len() as u64;
            self.queued -= bytes;
            self.popped += bytes;
            self.taken = record.seq_num + 1;
            if self.queued < self.window
                && let Some(writer) = self.writer.take()
            {
                writer.wake();
            }
        }
        Poll::Ready(Some(Ok(event)))
    }

    /// Ready while there is room for more.
    pub(crate) fn poll_room(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.queued < self.window || self.over {
            return Poll::Ready(());
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Seq before which the application took everything.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Metered bytes that the application took, ever.
    pub(crate) fn popped(&self) -> u64 {
        self.popped
    }

    /// Metered bytes that wait for the application.
    pub(crate) fn queued(&self) -> u64 {
        self.queued
    }

    fn note_turn(&mut self, record: &Record) {
        match control::kind(record) {
            Some(control::TURN_COMPLETE | control::SESSION_CLOSED) => {
                self.in_turn = false;
                let floor = record.header(control::IN_EVENT_ID);
                self.answered = floor.and_then(|floor| floor.parse().ok()).or(self.answered);
            }
            Some(_) => {}
            None => self.in_turn = true,
        }
    }

    fn push(&mut self, event: Event) {
        if !self.over {
            self.queue.push_back(event);
            self.wake();
        }
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_protocol::NewRecord;

    fn records(seqs: impl IntoIterator<Item = u64>) -> Vec<Record> {
        seqs.into_iter().map(|seq| NewRecord::data(b"{}", "p").at(seq, 0)).collect()
    }

    fn events(feed: &mut Feed) -> Vec<String> {
        let cx = Context::from_waker(Waker::noop());
        let mut all = Vec::new();
        while let Poll::Ready(Some(event)) = feed.poll_next(&cx) {
            all.push(match event {
                Ok(Event::Record(record)) => record.seq_num.to_string(),
                Ok(Event::Gap { from, to, reason }) => format!("{from}-{to} {reason:?}"),
                Ok(Event::Transport(transport)) => format!("{transport:?}"),
                Err(error) => error.code.into_owned(),
            });
        }
        all
    }

    #[test]
    fn two_transports_bring_each_record_once() {
        let mut feed = Feed::new(Start::after(1), 1 << 20);
        feed.handle_opened(Transport::Sse, None);
        feed.handle_records(records([2, 3]));
        feed.handle_opened(Transport::WebSocket, None);
        feed.handle_records(records([2, 3, 4]));
        feed.handle_records(records([3, 4, 5]));
        feed.handle_opened(Transport::WebSocket, None);
        assert_eq!(events(&mut feed), ["Sse", "2", "3", "WebSocket", "4", "5"]);
        assert_eq!((feed.start(), feed.taken()), (Start::after(5), 6));
    }

    #[test]
    fn gaps_are_told_once_and_cut_to_what_is_missing() {
        let mut feed = Feed::new(Start::after(1), 1 << 20);
        feed.handle_records(records([2]));
        assert_eq!(feed.jump_to(3), None);
        assert_eq!(feed.jump_to(5), Some(GapReason::Retention));
        assert_eq!(feed.jump_to(EPOCH_SEQ_STRIDE), Some(GapReason::Epoch));
        feed.handle_gap(2, 5, GapReason::Retention);
        feed.handle_gap(2, 5, GapReason::Retention);
        feed.handle_records(records([5]));
        assert_eq!(events(&mut feed), ["2", "3-5 Retention", "5"]);
    }

    #[test]
    fn a_position_without_a_cursor() {
        let mut feed = Feed::new(Start::Tail, 1 << 20);
        feed.handle_opened(Transport::WebSocket, Some(7));
        assert_eq!(feed.start(), Start::after(6));
        let mut empty = Feed::new(Start::Tail, 1 << 20);
        empty.handle_opened(Transport::WebSocket, Some(0));
        assert_eq!(empty.start(), Start::From(0));
        empty.handle_opened(Transport::WebSocket, Some(4));
        assert_eq!(events(&mut empty), ["WebSocket", "0-4 Retention"]);
    }

    #[test]
    fn what_came_before_a_failure_is_delivered_first() {
        let mut feed = Feed::new(Start::Floor, 1 << 20);
        feed.handle_records(records([0]));
        feed.handle_failed(Error::unreachable("x"));
        feed.handle_failed(Error::invalid("y"));
        feed.handle_records(records([1]));
        assert_eq!(events(&mut feed), ["0", "unreachable"]);
        let cx = Context::from_waker(Waker::noop());
        assert_eq!(feed.poll_next(&cx), Poll::Ready(None));
    }

    #[test]
    fn an_answer_is_expected_until_its_boundary() {
        let mut feed = Feed::new(Start::Floor, 1 << 20);
        feed.expect_answer(4);
        assert!(feed.in_turn());
        feed.handle_records(vec![control::boundary(Some(4), Some(4), None).at(0, 0)]);
        assert!(!feed.in_turn());
        // The boundary was faster than the acknowledgement.
        feed.expect_answer(4);
        assert!(!feed.in_turn());
        feed.expect_answer(5);
        assert!(feed.in_turn());
    }

    #[test]
    fn room_is_what_the_application_took() {
        let cx = Context::from_waker(Waker::noop());
        let mut feed = Feed::new(Start::Floor, 20);
        assert!(feed.poll_room(&cx).is_ready());
        feed.handle_records(records([0, 1]));
        assert!(feed.poll_room(&cx).is_pending());
        assert_eq!(events(&mut feed), ["0", "1"]);
        assert!(feed.poll_room(&cx).is_ready());
        assert_eq!((feed.queued(), feed.popped() > 20), (0, true));
    }
}
