//! A follower: a cursor that reads the store until it reaches the ring, then the ring.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tidegate_protocol::Record;
use tidegate_protocol::ids::StreamId;
use tidegate_protocol::limits::{READ_PAGE_MAX_BYTES, RECORDS_PAGE_MAX};
use tracing::warn;

use super::batch::Batch;
use super::live::LiveChannel;
use super::registry::Channels;
use super::ring::Lookup;
use crate::seams::store::{ReadLimit, StoreError};
use crate::seams::{BoxFuture, StreamStore};

const PAGE: ReadLimit = ReadLimit { records: RECORDS_PAGE_MAX, bytes: READ_PAGE_MAX_BYTES };

/// May what was read be shown still? Asked for each delivery; behind a no nothing follows.
pub type Guard = Box<dyn Fn() -> Asked + Send + Sync>;
type Asked = BoxFuture<'static, Result<bool, StoreError>>;

/// Reads one stream in order, without gap or repetition, for ever.
pub struct Follower {
    channels: Arc<Channels>,
    live: Option<Arc<LiveChannel>>,
    slot: usize,
    store: Arc<dyn StreamStore>,
    stream: StreamId,
    cursor: u64,
    /// Where the store had nothing more.
    at_tail: Option<u64>,
    /// Reads at this cursor that found nothing although the ring starts above it.
    empty_reads: u8,
    reading: Option<BoxFuture<'static, Result<Vec<Record>, StoreError>>>,
    guard: Option<Guard>,
    /// What was read and is asked about.
    held: Option<(Delivery, Asked)>,
    /// The guard has said no.
    shut: bool,
}

/// What a follower read: `records_from(from)` of the batch are new to it.
#[derive(Debug)]
pub struct Delivery {
    /// The batch, possibly shared with other followers.
    pub batch: Arc<Batch>,
    /// First seq that is new.
    pub from: u64,
}

impl Delivery {
    /// The new records.
    pub fn records(&self) -> &[Record] {
        self.batch.records_from(self.from)
    }

    /// Is the whole batch new, so that its shared encoding can be sent?
    pub fn is_whole(&self) -> bool {
        self.from <= self.batch.first()
    }
}

impl Follower {
    pub(super) fn new(
        channels: Arc<Channels>,
        live: Arc<LiveChannel>,
        store: Arc<dyn StreamStore>,
        stream: StreamId,
        cursor: u64,
    ) -> Self {
        let slot = live.join();
        let live = Some(live);
        let (at_tail, empty_reads, reading) = (None, 0, None);
        let (guard, held, shut) = (None, None, false);
        Self {
            channels,
            live,
            slot,
            store,
            stream,
            cursor,
            at_tail,
            empty_reads,
            reading,
            guard,
            held,
            shut,
        }
    }

    /// Delivers only what `guard` lets pass.
    pub(crate) fn guarded(self, guard: Guard) -> Self {
        let mut follower = self;
        follower.guard = Some(guard);
        follower
    }

    /// The next seq that it will deliver.
    pub fn cursor(&self) -> u64 {
        self.held.as_ref().map_or(self.cursor, |(delivery, _)| delivery.from)
    }

    /// Seq after the newest record that is known here, whether or not it was delivered.
    pub fn known_end(&self) -> u64 {
        let live = self.live.as_ref().expect("held until drop");
        live.end().unwrap_or(0).max(self.cursor())
    }

    /// After a poll that was pending: is there nothing to read, and not only nothing yet?
    pub fn is_at_tail(&self) -> bool {
        self.reading.is_none() && self.held.is_none()
    }

    /// The stream it follows.
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// The next records. Pending at the tail.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery, StoreError>> {
        if self.guard.is_none() {
            return self.poll_read(cx);
        }
        if self.shut {
            return Poll::Pending;
        }
        let (delivery, mut asked) = match self.held.take() {
            Some(held) => held,
            None => {
                let delivery = ready!(self.poll_read(cx))?;
                let guard = self.guard.as_ref().expect("looked at");
                (delivery, guard())
            }
        };
        match asked.as_mut().poll(cx) {
            Poll::Pending => {
                self.held = Some((delivery, asked));
                Poll::Pending
            }
            Poll::Ready(Ok(true)) => Poll::Ready(Ok(delivery)),
            Poll::Ready(Ok(false)) => {
                self.shut = true;
                Poll::Pending
            }
            Poll::Ready(Err(error)) => {
                // It is read again, if anybody goes on.
                self.cursor = delivery.from;
                Poll::Ready(Err(error))
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery, StoreError>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let records = ready!(reading.as_mut().poll(cx));
                self.reading = None;
                let records = records?;
                if records.is_empty() {
                    self.at_tail = Some(self.cursor);
                } else {
                    return Poll::Ready(Ok(self.deliver(Arc::new(Batch::new(records.into())))));
                }
            }
            let live = self.live.as_ref().expect("held until drop");
            match live.poll(self.slot, self.cursor, self.at_tail, cx.waker()) {
                Lookup::Batch(batch) => return Poll::Ready(Ok(self.deliver(batch))),
                Lookup::AtEnd => return Poll::Pending,
                Lookup::AskStore => {
                    self.skip_what_is_gone();
                    self.read();
                }
            }
        }
    }

    /// The ring is ahead of a cursor at which the store had nothing: its records were committed
    /// since, so reading again finds them. Where it does not, they are gone for good (the session
    /// was deleted under the reader), and the reader goes on at the ring's start.
    fn skip_what_is_gone(&mut self) {
        if self.at_tail.take() != Some(self.cursor) {
            return;
        }
        self.empty_reads += 1;
        if self.empty_reads > 1 {
            let live = self.live.as_ref().expect("held until drop");
            let start = live.start().unwrap_or(self.cursor).max(self.cursor);
            warn!(stream = ?self.stream, self.cursor, start, "a reader skips what is gone");
            self.cursor = start;
            self.empty_reads = 0;
        }
    }

    fn read(&mut self) {
        let (store, stream, from) = (Arc::clone(&self.store), self.stream.clone(), self.cursor);
        self.reading = Some(Box::pin(async move { store.read(&stream, from, PAGE).await }));
    }

    fn deliver(&mut self, batch: Arc<Batch>) -> Delivery {
        let from = self.cursor.max(batch.first());
        self.cursor = batch.end();
        (self.at_tail, self.empty_reads) = (None, 0);
        Delivery { batch, from }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            live.leave(self.slot);
            drop(live);
            self.channels.forget(&self.stream);
        }
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("stream", &self.stream)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
