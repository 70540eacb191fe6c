//! The body of an SSE read: a cursor that polls the live channel. What a reader has not taken yet
//! is in the shared ring or the store, never in a queue of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tidegate_core::Gateway;
use tidegate_core::channels::Follower;
use tidegate_core::channels::follower::Delivery;
use tidegate_core::streams::read::{Reading, TokenFor};
use tidegate_protocol::Record;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::sse::encode;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::departure::{Asked, Departure};
use super::quiet::{Due, Quiet};
use crate::drain::Watch;
use crate::metrics::StreamPermit;

/// Decoration before a clean end; clients go by the end itself.
const DONE: Bytes = Bytes::from_static(encode::DONE);
/// The same from a gateway that drains: who goes by `retry` comes back soon, to another one.
const GO: Bytes = Bytes::from_static(encode::GO);

/// What a reader is made of.
pub(crate) struct ReaderParts {
    pub(crate) reading: Reading,
    /// Ends before this seq instead of waiting (settled peek).
    pub(crate) until: Option<u64>,
    /// How long to wait without a record.
    pub(crate) timeout: Duration,
    /// The client takes any clean end for that of the turn (trap 21).
    pub(crate) needs_boundary: bool,
    pub(crate) permit: StreamPermit,
    pub(crate) drain: Watch,
    pub(crate) gateway: Gateway,
}

/// An open SSE read.
#[derive(Debug)]
pub(crate) struct Reader {
    follower: Follower,
    token: Option<TokenFor>,
    hidden: Vec<u64>,
    until: Option<u64>,
    tail: u64,
    quiet: Quiet,
    departure: Departure,
    /// What was sent last ends a turn.
    at_boundary: bool,
    /// Its moment to leave has passed: it waited for a boundary.
    stayed: bool,
    permit: StreamPermit,
    gateway: Gateway,
    done: bool,
    needs_boundary: bool,
    cut: bool,
    /// The reader is a run.
    run: Option<RunEnd>,
}

/// The end of a run that reads.
#[derive(Debug)]
struct RunEnd {
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Who ends it finds it only as long as it is held.
    _held: Arc<CancellationToken>,
}

impl Reader {
    pub(crate) fn new(parts: ReaderParts) -> Self {
        Self {
            tail: parts.reading.state.tail,
            follower: parts.reading.follower,
            token: parts.reading.token,
            hidden: parts.reading.hidden,
            until: parts.until,
            quiet: Quiet::new(Some(parts.timeout)),
            departure: Departure::new(parts.drain),
            at_boundary: false,
            stayed: false,
            permit: parts.permit,
            gateway: parts.gateway,
            done: false,
            needs_boundary: parts.needs_boundary,
            cut: false,
            run: parts.reading.over.map(|held| RunEnd {
                ended: Box::pin((*held).clone().cancelled_owned()),
                _held: held,
            }),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Did it end without what its client needs?
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The next event or events.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.done {
            return Poll::Ready(None);
        }
        let at_end = self.until.is_some_and(|until| self.follower.cursor() >= until);
        if at_end {
            return self.end(DONE);
        }
        if self.run.as_mut().is_some_and(|run| run.ended.as_mut().poll(cx).is_ready()) {
            return self.end(DONE);
        }
        let mut at_tail = false;
        match self.departure.poll(cx, &self.gateway) {
            Asked::Stay => {}
            Asked::LeaveAtBoundary if self.follows_turn() => self.stayed = true,
            // The turn has ended since, and its last records may not have been sent yet.
            Asked::LeaveAtBoundary if self.stayed && !self.at_boundary => at_tail = true,
            Asked::LeaveAtTail => at_tail = true,
            Asked::LeaveAtBoundary | Asked::Leave => return self.leave(),
        }
        match self.follower.poll_next(cx) {
            Poll::Ready(Ok(delivery)) => {
                self.quiet.wrote();
                self.at_boundary = delivery.batch.has_boundary();
                self.tail = self.tail.max(self.follower.cursor());
                let event = self.encode(&delivery);
                // Nothing of the batch is for this reader.
                if event.is_empty() { self.poll_data(cx) } else { Poll::Ready(Some(event)) }
            }
            Poll::Ready(Err(_)) => {
                let mut event = Vec::new();
                encode::error(&mut event, "the gateway can't read this stream right now");
                self.end(event.into())
            }
            Poll::Pending if at_tail => self.leave(),
            Poll::Pending => match self.quiet.poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Due::End) => self.end(DONE),
                Poll::Ready(Due::Ping) => {
                    let mut event = Vec::with_capacity(80);
                    encode::ping(&mut event, self.gateway.now(), self.tail);
                    Poll::Ready(Some(event.into()))
                }
            },
        }
    }

    /// Is there a turn on this gateway whose end this reader still waits for?
    fn follows_turn(&self) -> bool {
        let stream = self.follower.stream();
        let awaited = || self.gateway.turns().awaits(&stream.session);
        stream.channel == Channel::OUT && !self.at_boundary && awaited()
    }

    /// Sends the client away (R-DRN-3, R-DRN-10).
    fn leave(&mut self) -> Poll<Option<Bytes>> {
        if self.needs_boundary && !self.at_boundary {
            (self.done, self.cut) = (true, true);
            return Poll::Ready(None);
        }
        self.end(GO)
    }

    fn end(&mut self, last: Bytes) -> Poll<Option<Bytes>> {
        self.done = true;
        Poll::Ready(Some(last))
    }

    /// The shared bytes of the batch wherever this reader sees what every other reader sees.
    fn encode(&self, delivery: &Delivery) -> Bytes {
        let batch = &delivery.batch;
        let until = self.until.unwrap_or(u64::MAX);
        let token = self.token.as_ref().filter(|_| batch.has_boundary());
        let hidden = self.hidden.last().is_some_and(|last| *last >= delivery.from);
        if delivery.is_whole() && batch.end() <= until && token.is_none() && !hidden {
            self.permit.delivered(delivery.records().len());
            return batch.sse();
        }
        let records = delivery.records();
        let records = &records[..records.partition_point(|record| record.seq_num < until)];
        let kept: Vec<_>;
        let records = if hidden {
            let shown = |record: &&Record| self.hidden.binary_search(&record.seq_num).is_err();
            kept = records.iter().filter(shown).cloned().collect();
            &kept[..]
        } else {
            records
        };
        self.permit.delivered(records.len());
        let mut event = Vec::new();
        match token.and_then(TokenFor::mint) {
            Some(token) => encode::batch_with_token(&mut event, records, &token),
            None => encode::batch(&mut event, records),
        }
        event.into()
    }
}
