//! A subscription over SSE: one read after another, each from the cursor.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use tidegate_protocol::Record;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::duplex::GapReason;
use tidegate_protocol::limits::{PING_INTERVAL_MS, RECORD_MAX_BYTES};
use tidegate_protocol::sse::{batch, decode::Decoder};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::paths::Paths;
use super::requests::Ask;
use super::send::Body;
use crate::client::error::Error;
use crate::client::machine::SharedFeed;
use crate::client::mode::Mode;
use crate::client::session::Session;
use crate::client::shared::Shared;
use crate::link::Backoff;

/// Silence after which a read is given up: the gateway sends something more often.
const SILENCE: Duration = Duration::from_millis(PING_INTERVAL_MS * 5 / 2);
/// Largest event: JSON may write a record longer than it is, and events hold several.
const EVENT_MAX_BYTES: usize = 16 * RECORD_MAX_BYTES;
/// How long the gateway holds a read without a record.
const HOLD_S: u64 = 300;

/// Reads over the HTTP of `mode` until the feed is over. `opened` is told of every read that the
/// gateway took.
pub(crate) async fn follow(
    session: Session,
    feed: SharedFeed,
    mode: Mode,
    opened: impl Fn() + Send,
) {
    let Session { shared, name, paths, .. } = session;
    let mut reads = Reads { paths, shared, session: name, feed, mode, stale: None };
    let mut backoff = Backoff::default();
    while !reads.feed.lock().is_over() {
        let before = reads.feed.lock().next_seq();
        let ended = reads.read(&opened).await;
        if reads.feed.lock().next_seq() != before {
            backoff.reset();
        }
        let mut wait = backoff.next_full(getrandom::u64().unwrap_or_default());
        match ended {
            Ok(retry) => wait = wait.max(retry),
            Err(error) if error.retry => debug!(%error, "a read ended; reading on"),
            Err(error) => reads.feed.lock().handle_failed(error),
        }
        sleep(wait).await;
    }
}

struct Reads {
    shared: Arc<Shared>,
    session: String,
    paths: Paths,
    feed: SharedFeed,
    mode: Mode,
    /// The token that was refused last.
    stale: Option<String>,
}

impl Reads {
    /// One read. How long the gateway wants the client to stay away, if it ended cleanly.
    async fn read(&mut self, opened: &(impl Fn() + Send)) -> Result<Duration, Error> {
        poll_fn(|cx| self.feed.lock().poll_room(cx)).await;
        let token = self.shared.tokens.get(&self.session).await?;
        match self.read_with(&token, opened).await {
            Err(error) if error.wants_token() => {
                if self.stale.is_some() {
                    return Err(error);
                }
                self.shared.tokens.fresh(&self.session, &token, error).await?;
                self.stale = Some(token);
                Ok(Duration::ZERO)
            }
            ended => ended,
        }
    }

    async fn read_with(
        &mut self,
        token: &str,
        opened: &(impl Fn() + Send),
    ) -> Result<Duration, Error> {
        let start = self.feed.lock().start();
        if start == Start::Tail {
            let newest = self.newest(token).await?;
            self.feed.lock().handle_position(newest.map_or(0, |seq| seq + 1));
        }
        let mut ask = Ask::get(self.paths.out())
            .with("accept", "text/event-stream")
            .with("timeout-seconds", HOLD_S);
        ask = match self.feed.lock().start() {
            Start::From(0) => ask.with("tidegate-from", 0),
            Start::From(seq) => ask.with("last-event-id", seq - 1),
            Start::Floor | Start::Tail => ask,
        };
        let (body, transport) = self.shared.http.open(&ask, token, self.mode).await?;
        self.stale = None;
        self.feed.lock().handle_opened(transport, None);
        opened();
        self.read_body(body, token).await
    }

    async fn read_body(&self, mut body: Body, token: &str) -> Result<Duration, Error> {
        let mut decoder = Decoder::new(EVENT_MAX_BYTES);
        // Only then may retention have overtaken the read.
        let mut was_away = true;
        let mut retry = Duration::ZERO;
        loop {
            for event in decoder.by_ref() {
                let event = event.map_err(Error::invalid)?;
                retry = event.retry.map_or(retry, Duration::from_millis);
                match event.event.as_deref() {
                    Some("batch") => {
                        let records = batch::decode(&event.data).map_err(Error::invalid)?;
                        self.take(records, was_away, token).await?;
                        was_away = false;
                    }
                    Some("error") => return Err(Error::unreachable("the gateway can't read on")),
                    _ => {}
                }
            }
            let full = poll_fn(|cx| std::task::Poll::Ready(self.feed.lock().poll_room(cx)));
            if full.await.is_pending() {
                was_away = true;
                poll_fn(|cx| self.feed.lock().poll_room(cx)).await;
            }
            let frame = timeout(SILENCE, body.frame()).await;
            let frame = frame.map_err(|_| Error::unreachable("the read is silent"))?;
            match frame {
                None => return Ok(retry),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        decoder.push(&data);
                    }
                }
            }
        }
    }

    async fn take(&self, records: Vec<Record>, was_away: bool, token: &str) -> Result<(), Error> {
        let Some(first) = records.first().map(|record| record.seq_num) else { return Ok(()) };
        let jump = self.feed.lock().jump_to(first);
        let is_gap = match jump {
            Some(GapReason::Epoch) => true,
            Some(GapReason::Retention) => was_away && !self.has_cursor(token).await?,
            None => false,
        };
        let mut feed = self.feed.lock();
        if let (true, Some(reason)) = (is_gap, jump) {
            feed.handle_gap(0, first, reason);
        }
        feed.handle_records(records);
        Ok(())
    }

    /// Is the record of the cursor retained? Then so is what followed it, and what is missing are
    /// command records.
    async fn has_cursor(&self, token: &str) -> Result<bool, Error> {
        let Some(cursor) = self.feed.lock().next_seq().and_then(|next| next.checked_sub(1)) else {
            return Ok(false);
        };
        let page = Ask::get(self.paths.records(cursor.checked_sub(1), 1));
        let page = self.shared.http.answer(&page, token, self.mode).await?.json()?;
        Ok(page["records"][0]["seqNum"] == cursor)
    }

    /// Seq of the newest record (R-PG-2).
    async fn newest(&self, token: &str) -> Result<Option<u64>, Error> {
        self.shared.newest(&self.paths, token, self.mode).await
    }
}
