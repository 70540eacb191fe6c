//! A worker's WebSocket. What is written is coalesced: frames that are ready go out in one flush.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tidegate_core::workers::{Link, LinkEvent};
use tidegate_protocol::limits::{LINK_FRAME_MAX_BYTES, LINK_HELLO_TIMEOUT_MS, LINK_LEASE_MS};
use tidegate_protocol::link::{GatewayFrame, LinkParseError, WorkerFrame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::debug;

use crate::drain::{Phase, Watch};

/// Bytes that are read at once; held for as long as the connection lives.
const READ_BUFFER_BYTES: usize = 16 * 1024;
/// Bytes that are collected before they are written without being flushed.
const WRITE_BUFFER_BYTES: usize = 64 * 1024;
/// Messages that are still read while the worker does not read what it is sent. Reading must go on
/// (it may be stuck writing itself), but not for ever: each may have an answer.
const READS_WHILE_BLOCKED: usize = 1_024;
/// The link itself ends a silent connection, unless the socket is stuck.
const STUCK: Duration = Duration::from_millis(200);
/// How long the other side has to take the close.
const GOODBYE: Duration = Duration::from_secs(1);
/// Longest reason of a close frame, in bytes (RFC 6455 §5.5).
const REASON_MAX_BYTES: usize = 123;

/// See the module.
pub(super) struct Socket {
    ws: WebSocketStream<TokioIo<Upgraded>>,
    drain: Watch,
    phase: Phase,
    /// When a connection that shows no life is cut.
    deadline: Instant,
    unflushed: bool,
    reads_while_blocked: usize,
}

/// What comes next.
pub(super) enum Happened {
    /// A frame and its size.
    Frame(WorkerFrame, usize),
    /// A message that is none.
    Malformed(LinkParseError),
    /// The link wants something.
    Event(LinkEvent),
    /// The drain moved on.
    Drain(Phase),
    /// The connection is at its end.
    Ended,
}

impl Socket {
    pub(super) async fn new(io: Upgraded, drain: Watch) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(Some(LINK_FRAME_MAX_BYTES))
            .max_frame_size(Some(LINK_FRAME_MAX_BYTES));
        let io = TokioIo::new(io);
        let ws = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let deadline = in_ms(LINK_HELLO_TIMEOUT_MS) + STUCK;
        let (unflushed, reads_while_blocked, phase) = (false, 0, Phase::Up);
        Self { ws, drain, phase, deadline, unflushed, reads_while_blocked }
    }

    /// The next thing to do. What the link has to say goes before what the worker says, so that a
    /// refusal is out before anything else is read.
    pub(super) async fn next(&mut self, link: &mut Link) -> Happened {
        let deadline = self.deadline;
        let mut event = pin!(link.next());
        let happened = poll_fn(|cx| self.poll(cx, event.as_mut()));
        timeout_at(deadline, happened).await.unwrap_or_else(|_| {
            debug!("a link was stuck");
            Happened::Ended
        })
    }

    /// Where in the spread of a drain, but within `max`, this link is; in ms.
    pub(super) fn moment(&self, entropy: u128, max: Duration) -> u64 {
        let moment = self.drain.moment(entropy, max);
        u64::try_from(moment.as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes a frame to be written; it is flushed when nothing else is ready. Answers whether the
    /// connection still stands.
    pub(super) fn feed(&mut self, frame: &GatewayFrame) -> bool {
        self.unflushed = true;
        Pin::new(&mut self.ws).start_send(Message::text(frame.to_json())).is_ok()
    }

    /// Says goodbye, with a code if the gateway ends it, and waits until the other side has heard.
    pub(super) async fn close(mut self, close: Option<(u16, String)>) {
        let goodbye = async {
            match close {
                Some((code, reason)) => {
                    let reason = cut(&reason).to_owned();
                    let frame = CloseFrame { code: code.into(), reason: reason.into() };
                    self.ws.send(Message::Close(Some(frame))).await?;
                }
                None => self.ws.flush().await?,
            }
            // Bytes that nobody reads would reset the connection and take the close with them.
            let io = self.ws.get_mut();
            io.shutdown().await?;
            let mut scratch = [0; 4096];
            while io.read(&mut scratch).await? > 0 {}
            Ok::<_, Error>(())
        };
        match timeout(GOODBYE, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "a link ended"),
            Err(_) => debug!("a worker did not close its side"),
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        event: Pin<&mut impl Future<Output = LinkEvent>>,
    ) -> Poll<Happened> {
        let phase = self.drain.poll(cx);
        if phase != self.phase {
            self.phase = phase;
            return Poll::Ready(Happened::Drain(phase));
        }
        let blocked = match self.poll_write(cx, event) {
            Poll::Ready(Some(happened)) => return Poll::Ready(happened),
            Poll::Ready(None) => false,
            Poll::Pending => true,
        };
        self.poll_read(cx, blocked)
    }

    /// Ready without a value if everything is written; pending if the worker does not take more.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        event: Pin<&mut impl Future<Output = LinkEvent>>,
    ) -> Poll<Option<Happened>> {
        match self.ws.poll_ready_unpin(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Poll::Ready(Some(Happened::Ended)),
            Poll::Pending => return Poll::Pending,
        }
        if let Poll::Ready(event) = event.poll(cx) {
            return Poll::Ready(Some(Happened::Event(event)));
        }
        if self.unflushed {
            match self.ws.poll_flush_unpin(cx) {
                Poll::Ready(Ok(())) => (self.unflushed, self.reads_while_blocked) = (false, 0),
                Poll::Ready(Err(_)) => return Poll::Ready(Some(Happened::Ended)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(None)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, blocked: bool) -> Poll<Happened> {
        while !blocked || self.reads_while_blocked < READS_WHILE_BLOCKED {
            let message = ready!(self.ws.poll_next_unpin(cx));
            self.reads_while_blocked += usize::from(blocked);
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Poll::Ready(match WorkerFrame::parse(text.as_str()) {
                        Ok(frame) => {
                            self.deadline = in_ms(LINK_LEASE_MS) + STUCK;
                            Happened::Frame(frame, text.len())
                        }
                        Err(error) => Happened::Malformed(error),
                    });
                }
                // Tungstenite answers pings itself, with the next flush.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                    self.unflushed = true;
                    if !blocked {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                Some(Ok(Message::Binary(_))) | Some(Err(Error::Utf8(_))) => {
                    return Poll::Ready(Happened::Malformed(LinkParseError::NotText));
                }
                Some(Err(Error::Capacity(_))) => {
                    let max = LINK_FRAME_MAX_BYTES;
                    return Poll::Ready(Happened::Malformed(LinkParseError::TooLarge { max }));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    return Poll::Ready(Happened::Ended);
                }
            }
        }
        Poll::Pending
    }
}

fn in_ms(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

/// As much of `reason` as a close frame can hold.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(100);
        assert_eq!(cut(&long).len(), 122);
    }
}
