//! A stream of both directions.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::quic::{self, StreamErrorIncoming, StreamId, WriteBuf};
use quinn::{StoppedError, VarInt};
use tidegate_protocol::limits::H3_UNPARSED_MAX_BYTES;

use super::receive::{Allowance, Receive};
use super::send::Send;

/// See the module.
pub(crate) struct Stream {
    send: Send,
    receive: Receive,
    allowance: Allowance,
}

impl Stream {
    pub(super) fn new(send: quinn::SendStream, receive: quinn::RecvStream) -> Self {
        let allowance = Allowance::of(H3_UNPARSED_MAX_BYTES);
        let receive = Receive::new(receive, allowance.clone());
        Self { send: Send::new(send), receive, allowance }
    }

    /// What may come in a piece.
    pub(crate) fn allowance(&self) -> Allowance {
        self.allowance.clone()
    }

    /// When nothing that is written to the stream matters any more.
    pub(crate) fn gone(&self) -> Gone {
        Gone { stopped: Box::pin(self.send.quic().stopped()), over: None }
    }
}

/// The end of a stream, as its peer sees it.
pub(crate) struct Gone {
    stopped: Stopped,
    over: Option<bool>,
}

type Stopped =
    Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + std::marker::Send + Sync>>;

impl Gone {
    /// Ready with whether the peer has all of it, once it has or wants no more of it.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.over.is_none() {
            self.over = Some(matches!(ready!(self.stopped.as_mut().poll(cx)), Ok(None)));
        }
        Poll::Ready(self.over == Some(true))
    }
}

impl quic::BidiStream<Bytes> for Stream {
    type SendStream = Send;
    type RecvStream = Receive;

    fn split(self) -> (Send, Receive) {
        (self.send, self.receive)
    }
}

impl quic::RecvStream for Stream {
    type Buf = Bytes;

    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        self.receive.poll_data(cx)
    }

    fn stop_sending(&mut self, error_code: u64) {
        self.receive.stop_sending(error_code);
    }

    fn recv_id(&self) -> StreamId {
        self.receive.recv_id()
    }
}

impl quic::SendStream<Bytes> for Stream {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_ready(cx)
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.send.send_data(data)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_finish(cx)
    }

    fn reset(&mut self, reset_code: u64) {
        self.send.reset(reset_code);
    }

    fn send_id(&self) -> StreamId {
        self.send.send_id()
    }
}

impl quic::SendStreamUnframed<Bytes> for Stream {
    fn poll_send<D: Buf>(
        &mut self,
        cx: &mut Context<'_>,
        data: &mut D,
    ) -> Poll<Result<usize, StreamErrorIncoming>> {
        self.send.poll_send(cx, data)
    }
}
