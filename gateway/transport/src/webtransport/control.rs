//! The control stream: lines in, bytes out.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::quic::{BidiStream, RecvStream, SendStream, SendStreamUnframed};
use h3::stream::BufRecvStream;

use super::lines::{Lines, TooLong};
use super::writer::Cut;
use crate::quic::wire::{Receive, Send, Stream};

/// What came is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is longer than it may be.
    #[error("a frame is longer than it may be")]
    TooLong,
    /// The stream ended within it, or was cut.
    #[error("the control stream was cut")]
    Cut,
}

/// The first bidirectional stream of a client.
pub struct Control {
    send: BufRecvStream<Send, Bytes>,
    receive: BufRecvStream<Receive, Bytes>,
    allowance: crate::quic::wire::Allowance,
    lines: Lines,
}

impl Control {
    pub(super) fn new(stream: Box<Incoming>, frame_max_bytes: usize) -> Self {
        let (send, receive) = stream.stream.split();
        let lines = Lines::new(frame_max_bytes);
        Self { send, receive, allowance: stream.allowance, lines }
    }

    /// From now on frames have at most `bytes`.
    pub fn set_frame_max(&mut self, bytes: usize) {
        self.lines.set_max(bytes);
    }

    /// The next frame, without its line end; `None` when the client has ended the stream.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, FrameError>>> {
        loop {
            match self.lines.next() {
                Ok(Some(line)) => return Poll::Ready(Some(Ok(line))),
                Ok(None) => {}
                Err(TooLong) => return Poll::Ready(Some(Err(FrameError::TooLong))),
            }
            match ready!(self.receive.poll_data(cx)) {
                Ok(Some(bytes)) => {
                    self.allowance.renew();
                    self.lines.push(&bytes);
                }
                Ok(None) if !self.lines.is_within() => return Poll::Ready(None),
                Ok(None) | Err(_) => return Poll::Ready(Some(Err(FrameError::Cut))),
            }
        }
    }

    /// [`Self::poll_frame`] as a future.
    pub async fn frame(&mut self) -> Option<Result<Bytes, FrameError>> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    /// Writes as much of `bytes` as the peer takes now, and takes it off them. Ready when nothing
    /// is left.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &mut Bytes) -> Poll<Result<(), Cut>> {
        while bytes.has_remaining() {
            ready!(self.send.poll_send(cx, bytes)).map_err(|_| Cut)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all of `bytes`; waits while the peer takes nothing.
    ///
    /// # Errors
    /// [`Cut`].
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), Cut> {
        poll_fn(|cx| self.poll_write(cx, &mut bytes)).await
    }
}

impl Drop for Control {
    /// Firefox 153 crashes where it hears `H3_NO_ERROR` of a stream of a session that then ends.
    fn drop(&mut self) {
        self.receive.stop_sending(SESSION_GONE);
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("lines", &self.lines).finish_non_exhaustive()
    }
}

/// `WEBTRANSPORT_BUFFERED_STREAM_REJECTED`.
const REJECTED: u64 = 0x3994_bd84;
/// `WEBTRANSPORT_SESSION_GONE`.
const SESSION_GONE: u64 = 0x170d_7b68;

/// A stream that a client opened for a session; what it says was not read yet.
pub(crate) struct Incoming {
    pub(crate) stream: BufRecvStream<Stream, Bytes>,
    pub(crate) allowance: crate::quic::wire::Allowance,
}

impl Incoming {
    /// It means nothing (R-DPX-3).
    pub(crate) fn refuse(mut self) {
        self.stream.stop_sending(REJECTED);
        self.stream.reset(REJECTED);
    }

    /// The session is over.
    pub(crate) fn end(mut self) {
        self.stream.stop_sending(SESSION_GONE);
    }
}
