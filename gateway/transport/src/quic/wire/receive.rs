//! The half of a stream that is read.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use h3::quic::{self, StreamErrorIncoming, StreamId};

use super::failure;
use super::send::{code, h3_id};

/// How much may come that nobody has understood yet: h3 collects a frame until it is whole, and a
/// frame may say that it is as long as it likes.
#[derive(Clone, Debug)]
pub(crate) struct Allowance(Arc<Left>);

#[derive(Debug)]
struct Left {
    max: usize,
    left: AtomicUsize,
}

impl Allowance {
    pub(super) fn of(max: usize) -> Self {
        Self(Arc::new(Left { max, left: AtomicUsize::new(max) }))
    }

    /// What came so far has been understood.
    pub(crate) fn renew(&self) {
        self.0.left.store(self.0.max, Relaxed);
    }

    fn take(&self, bytes: usize) -> bool {
        self.0.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

/// See the module.
pub(crate) struct Receive {
    stream: quinn::RecvStream,
    allowance: Allowance,
}

impl Receive {
    pub(super) fn new(stream: quinn::RecvStream, allowance: Allowance) -> Self {
        Self { stream, allowance }
    }
}

impl quic::RecvStream for Receive {
    type Buf = Bytes;

    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        let chunk = ready!(pin!(self.stream.read_chunk(usize::MAX, true)).poll(cx));
        let chunk = chunk.map_err(failure::read)?.map(|chunk| chunk.bytes);
        if !self.allowance.take(chunk.as_ref().map_or(0, Bytes::len)) {
            let excess = Code::H3_EXCESSIVE_LOAD.value();
            self.stop_sending(excess);
            return Poll::Ready(Err(failure::terminated(excess)));
        }
        Poll::Ready(Ok(chunk))
    }

    fn stop_sending(&mut self, error_code: u64) {
        // Already at its end: nothing is sent any more.
        _ = self.stream.stop(code(error_code));
    }

    fn recv_id(&self) -> StreamId {
        h3_id(self.stream.id())
    }
}

impl Drop for Receive {
    fn drop(&mut self) {
        quic::RecvStream::stop_sending(self, Code::H3_NO_ERROR.value());
    }
}
