//! The body of an answer, under its timeouts and its cap.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use hyper::body::{Body as _, Incoming};
use tidegate_core::seams::backend::{BackendError, BackendFault};
use tidegate_protocol::limits::ANSWER_MAX_BYTES;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::client::{Client, Deadlines};
use super::connection::Connection;

/// One body. An event stream around chunks is several times as large as they are.
const BODY_MAX_BYTES: usize = 4 * ANSWER_MAX_BYTES;
/// What is read before it is handed on, if more is ready.
const READ_MAX_BYTES: usize = 256 * 1024;
/// What is read of an error's body, and for how long.
const ERROR_MAX_BYTES: usize = 4 * 1024;
const ERROR_MAX_TIME: Duration = Duration::from_secs(2);
/// How long a whole answer's connection is waited for until it is free again.
const LINGER: Duration = Duration::from_secs(1);

/// Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Body {
    client: Arc<Client>,
    connection: Connection,
    incoming: Incoming,
    keep: Duration,
    limits: Deadlines,
    /// Armed for a time that is never later than the next deadline; moved only when it fires.
    timer: Pin<Box<Sleep>>,
    last_byte: Option<Instant>,
    received: usize,
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    Whole,
    Failed(Option<BackendError>),
}

impl Body {
    pub(super) fn new(
        client: Arc<Client>,
        connection: Connection,
        incoming: Incoming,
        limits: Deadlines,
        keep: Duration,
    ) -> Self {
        let timer = Box::pin(sleep_until(limits.first_byte));
        let (last_byte, received, end) = (None, 0, None);
        Self { client, connection, incoming, keep, limits, timer, last_byte, received, end }
    }

    /// Waits for bytes and gives all that are ready, or none at the end. After an error the body
    /// has ended.
    pub(super) async fn read(&mut self, out: &mut Vec<Bytes>) -> Result<(), BackendError> {
        poll_fn(|cx| self.poll_read(cx, out)).await
    }

    /// Lets the connection be used again if the answer ends within a moment; does not wait.
    pub(super) fn release(self) {
        let mut drained = Box::pin(self.drain());
        if (&mut drained).now_or_never().is_none() {
            tokio::spawn(timeout(LINGER, drained));
        }
    }

    async fn drain(mut self) {
        let mut rest = Vec::new();
        while self.end.is_none() {
            rest.clear();
            if self.read(&mut rest).await.is_err() {
                return;
            }
        }
        let is_whole = matches!(self.end, Some(End::Whole));
        if is_whole && poll_fn(|cx| self.connection.is_idle(cx).into()).await {
            self.client.pool.put(self.connection, self.keep);
        }
    }

    /// The start of what came with an error status; what can't be read in time is left out.
    pub(super) async fn start_of_error(mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let read = timeout(ERROR_MAX_TIME, async {
            let mut parts = Vec::new();
            while self.end.is_none() && text.len() < ERROR_MAX_BYTES {
                if self.read(&mut parts).await.is_err() {
                    break;
                }
                parts.drain(..).for_each(|part| text.extend_from_slice(&part));
            }
        });
        // A slow error body is shown as far as it came.
        let _ = read.await;
        text
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<Bytes>,
    ) -> Poll<Result<(), BackendError>> {
        let mut read = 0;
        while self.end.is_none() && read < READ_MAX_BYTES {
            match self.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    read += data.len();
                    self.received += data.len();
                    out.push(data);
                    if self.received > BODY_MAX_BYTES {
                        let reason = format!("answer is larger than {BODY_MAX_BYTES} bytes");
                        self.fail(BackendFault::Invalid, &reason);
                    }
                }
                Poll::Ready(Some(Err(error))) => self.cut_off(&error),
                Poll::Ready(None) => self.end = Some(End::Whole),
                Poll::Pending if read > 0 => break,
                Poll::Pending => match self.poll_timeout(cx) {
                    Poll::Ready(error) => self.end = Some(End::Failed(Some(error))),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        if read > 0 {
            self.mark_bytes();
            return Poll::Ready(Ok(()));
        }
        match &mut self.end {
            Some(End::Failed(error)) => Poll::Ready(error.take().map_or(Ok(()), Err)),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        let mut driven = false;
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    // Trailers, or nothing.
                    _ => {}
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending if driven => return Poll::Pending,
                Poll::Pending => {
                    self.connection.drive(cx);
                    driven = true;
                }
            }
        }
    }

    fn mark_bytes(&mut self) {
        let now = Instant::now();
        if self.last_byte.replace(now).is_none() {
            self.timer.as_mut().reset((now + self.client.timeouts.idle()).min(self.limits.total));
        }
    }

    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<BackendError> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let Some(last) = self.last_byte else {
                return Poll::Ready(self.client.no_first_byte());
            };
            let timeouts = &self.client.timeouts;
            let silent = last + timeouts.idle();
            let reason = if now >= self.limits.total {
                format!("answer was not whole within {} ms", timeouts.total_ms)
            } else if now >= silent {
                format!("silent for {} ms in the middle of its answer", timeouts.idle_ms)
            } else {
                self.timer.as_mut().reset(silent.min(self.limits.total));
                continue;
            };
            return Poll::Ready(self.client.error(BackendFault::Timeout, &reason));
        }
        Poll::Pending
    }

    fn cut_off(&mut self, error: &hyper::Error) {
        if error.is_parse() {
            self.fail(BackendFault::Invalid, &format!("does not speak HTTP/1.1: {error}"));
        } else {
            self.fail(BackendFault::Unavailable, &format!("cut its answer off: {error}"));
        }
    }

    fn fail(&mut self, kind: BackendFault, reason: &str) {
        self.end = Some(End::Failed(Some(self.client.error(kind, reason))));
    }
}
