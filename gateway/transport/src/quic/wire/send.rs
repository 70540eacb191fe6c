//! The half of a stream that is written.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::Code;
use h3::quic::{self, StreamErrorIncoming, StreamId, WriteBuf};
use quinn::VarInt;

use super::failure;

/// See the module.
pub(crate) struct Send {
    stream: quinn::SendStream,
    writing: Option<WriteBuf<Bytes>>,
    begun: bool,
}

impl Send {
    pub(super) fn new(stream: quinn::SendStream) -> Self {
        Self { stream, writing: None, begun: false }
    }

    pub(super) fn quic(&self) -> &quinn::SendStream {
        &self.stream
    }
}

impl quic::SendStream<Bytes> for Send {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        while let Some(rest) = self.writing.as_mut().filter(|rest| rest.has_remaining()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest.chunk()));
            rest.advance(written.map_err(failure::write)?);
        }
        self.writing = None;
        Poll::Ready(Ok(()))
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        let finished = self.stream.finish();
        Poll::Ready(finished.map_err(|error| StreamErrorIncoming::Unknown(Box::new(error))))
    }

    fn reset(&mut self, reset_code: u64) {
        // Already finished or reset.
        _ = self.stream.reset(code(reset_code));
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        debug_assert!(self.writing.is_none(), "h3 asks whether it may write");
        self.begun = true;
        self.writing = Some(data.into());
        Ok(())
    }

    fn send_id(&self) -> StreamId {
        h3_id(self.stream.id())
    }
}

impl quic::SendStreamUnframed<Bytes> for Send {
    fn poll_send<D: Buf>(
        &mut self,
        cx: &mut Context<'_>,
        data: &mut D,
    ) -> Poll<Result<usize, StreamErrorIncoming>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, data.chunk()));
        let written = written.map_err(failure::write)?;
        self.begun = true;
        data.advance(written);
        Poll::Ready(Ok(written))
    }
}

impl Drop for Send {
    /// Quinn would end it, and an answer without a head is none. What was begun ends.
    fn drop(&mut self) {
        if !self.begun {
            quic::SendStream::reset(self, Code::H3_REQUEST_CANCELLED.value());
        }
    }
}

pub(super) fn code(code: u64) -> VarInt {
    VarInt::from_u64(code).unwrap_or(VarInt::MAX)
}

pub(super) fn h3_id(id: quinn::StreamId) -> StreamId {
    u64::from(VarInt::from(id)).try_into().expect("both are variable-length integers")
}
