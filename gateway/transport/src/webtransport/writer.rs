//! A stream that is written alone: one of its kind delays no other.

use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

/// The peer does not take the stream any more, or the connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream was cut")]
pub struct Cut;

/// One unidirectional stream of a session. Dropped, it ends after what was written.
#[derive(Debug)]
pub struct Writer(quinn::SendStream);

impl Writer {
    pub(super) fn new(stream: quinn::SendStream) -> Self {
        Self(stream)
    }

    /// Writes as much of `bytes` as the peer takes now, and takes it off them, without a copy.
    /// Ready when nothing is left.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &mut Bytes) -> Poll<Result<(), Cut>> {
        while !bytes.is_empty() {
            let written = pin!(self.0.write_chunks(std::slice::from_mut(bytes))).poll(cx);
            ready!(written).map_err(|_| Cut)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all of `bytes`; waits while the peer takes nothing.
    ///
    /// # Errors
    /// [`Cut`].
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), Cut> {
        std::future::poll_fn(|cx| self.poll_write(cx, &mut bytes)).await
    }

    /// Gives up what the peer has not got yet.
    pub fn reset(&mut self) {
        // Already at its end.
        _ = self.0.reset(quinn::VarInt::from_u32(0));
    }
}
