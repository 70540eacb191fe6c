//! The answer to one request. What is ready is sent as one piece; what the peer does not take is
//! held up in the log, not here.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h3::error::{Code, StreamError};
use h3::server::RequestStream;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{HeaderValue, StatusCode};
use http_body::Body as _;
use tokio::time::timeout;
use tracing::debug;

use super::wire::{Gone, Send};
use crate::body::Body;
use crate::service::Response;

/// Bytes of a body that are handed over at once. The peer has to take as many within
/// `write_stall`.
const PIECE_BYTES: usize = 64 * 1024;

/// The way back. Cut off unless everything was sent.
pub(super) struct Reply {
    stream: RequestStream<Send, Bytes>,
    gone: Gone,
    write_stall: Duration,
    finished: bool,
}

impl Reply {
    pub(super) fn new(
        stream: RequestStream<Send, Bytes>,
        gone: Gone,
        write_stall: Duration,
    ) -> Self {
        Self { stream, gone, write_stall, finished: false }
    }

    /// What `future` gives, unless the peer does not want it any more.
    pub(super) async fn unless_gone<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| match self.gone.poll(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => future.as_mut().poll(cx).map(Some),
        })
        .await
    }

    /// Sends it, and returns when the peer has it all.
    pub(super) async fn send(
        mut self: Box<Self>,
        response: Response,
        is_head: bool,
    ) -> Result<(), StreamError> {
        let (parts, mut body) = response.into_parts();
        let length = if is_head { None } else { body.size_hint().exact() };
        // Boxed: a body that goes on for long holds no room for it.
        if !Box::pin(self.head(with_length(parts, length))).await? {
            return Ok(());
        }
        while !is_head && let Some(batch) = self.batch(&mut body).await {
            if !self.data(batch).await? {
                return Ok(());
            }
        }
        self.end().await
    }

    /// Sends the head alone; answers whether the peer took it in time.
    pub(super) async fn head(&mut self, parts: Parts) -> Result<bool, StreamError> {
        let head = http::Response::from_parts(parts, ());
        self.taken(|stream| stream.send_response(head)).await
    }

    /// Sends these bytes, and ends.
    pub(super) async fn last(mut self, bytes: Bytes) -> Result<(), StreamError> {
        if self.data(bytes).await? { self.end().await } else { Ok(()) }
    }

    /// Refuses the request; it may be sent again.
    pub(super) fn refuse(mut self) {
        self.stream.stop_stream(Code::H3_REQUEST_REJECTED);
        self.finished = true;
    }

    async fn data(&mut self, mut bytes: Bytes) -> Result<bool, StreamError> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
            if !self.taken(|stream| stream.send_data(piece)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns when the peer has everything: the connection is not closed before.
    async fn end(&mut self) -> Result<(), StreamError> {
        self.stream.finish().await?;
        self.finished = true;
        _ = timeout(self.write_stall, poll_fn(|cx| self.gone.poll(cx))).await;
        Ok(())
    }

    /// Whether the peer took it in time.
    async fn taken<'a, F>(
        &'a mut self,
        write: impl FnOnce(&'a mut RequestStream<Send, Bytes>) -> F,
    ) -> Result<bool, StreamError>
    where
        F: Future<Output = Result<(), StreamError>> + 'a,
    {
        match timeout(self.write_stall, write(&mut self.stream)).await {
            Ok(written) => written.map(|()| true),
            Err(_) => {
                debug!("a stream was cut: its peer does not read");
                Ok(false)
            }
        }
    }

    /// Everything that is ready; `None` at the end, and when the peer wants no more.
    async fn batch(&mut self, body: &mut Body) -> Option<Bytes> {
        self.unless_gone(poll_fn(|cx| poll_batch(body, cx))).await.flatten()
    }
}

impl Drop for Reply {
    /// Quinn would end what was cut off as if it were whole.
    fn drop(&mut self) {
        if !self.finished {
            self.stream.stop_stream(Code::H3_REQUEST_CANCELLED);
        }
    }
}

/// HEAD needs no length, and some clients take it for that of the body that they got.
fn with_length(mut parts: Parts, length: Option<u64>) -> Parts {
    let may_have_one = parts.status.as_u16() >= 200
        && ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&parts.status)
        && !parts.headers.contains_key(CONTENT_LENGTH);
    if let Some(length) = length.filter(|length| may_have_one && *length > 0) {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    parts
}

fn poll_batch(body: &mut Body, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
    let Some(first) = ready!(poll_piece(body, cx)) else { return Poll::Ready(None) };
    let mut all = BytesMut::new();
    while first.len().max(all.len()) < PIECE_BYTES
        && let Poll::Ready(Some(next)) = poll_piece(body, cx)
    {
        // Nearly always there is one, which stays uncopied.
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&next);
    }
    Poll::Ready(Some(if all.is_empty() { first } else { all.freeze() }))
}

fn poll_piece(body: &mut Body, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
    loop {
        let Some(Ok(frame)) = ready!(Pin::new(&mut *body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        if let Ok(data) = frame.into_data() {
            return Poll::Ready(Some(data));
        }
    }
}
