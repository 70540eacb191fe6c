//! A connection: streams that the peer opens, and those that are opened to it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use h3::quic::{self, ConnectionErrorIncoming, StreamErrorIncoming};
use quinn::{ConnectionError, RecvStream, SendStream};
use tidegate_protocol::limits::H3_CONTROL_MAX_BYTES;

use super::failure;
use super::receive::{Allowance, Receive};
use super::send::{Send, code};
use super::stream::Stream;

type Pending<T> =
    Option<Pin<Box<dyn Future<Output = Result<T, ConnectionError>> + std::marker::Send + Sync>>>;

/// One connection, for h3.
pub(crate) struct Wire {
    connection: quinn::Connection,
    /// What all streams of h3's own, in one direction, may bring together.
    control: Allowance,
    accepting_both: Pending<(SendStream, RecvStream)>,
    accepting_one: Pending<RecvStream>,
    opening_both: Pending<(SendStream, RecvStream)>,
    opening_one: Pending<SendStream>,
}

impl Wire {
    pub(crate) fn new(connection: quinn::Connection) -> Self {
        Self {
            connection,
            control: Allowance::of(H3_CONTROL_MAX_BYTES),
            accepting_both: None,
            accepting_one: None,
            opening_both: None,
            opening_one: None,
        }
    }
}

/// Polls what is pending, or `begin`s it.
fn poll<T, F>(
    pending: &mut Pending<T>,
    connection: &quinn::Connection,
    cx: &mut Context<'_>,
    begin: impl FnOnce(quinn::Connection) -> F,
) -> Poll<Result<T, ConnectionError>>
where
    F: Future<Output = Result<T, ConnectionError>> + std::marker::Send + Sync + 'static,
{
    let future = pending.get_or_insert_with(|| Box::pin(begin(connection.clone())));
    let result = ready!(future.as_mut().poll(cx));
    *pending = None;
    Poll::Ready(result)
}

impl quic::Connection<Bytes> for Wire {
    type RecvStream = Receive;
    type OpenStreams = Self;

    fn poll_accept_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Receive, ConnectionErrorIncoming>> {
        let begin = |connection: quinn::Connection| async move { connection.accept_uni().await };
        let accepted = ready!(poll(&mut self.accepting_one, &self.connection, cx, begin));
        let stream = accepted.map_err(failure::connection)?;
        Poll::Ready(Ok(Receive::new(stream, self.control.clone())))
    }

    fn poll_accept_bidi(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stream, ConnectionErrorIncoming>> {
        let begin = |connection: quinn::Connection| async move { connection.accept_bi().await };
        let accepted = ready!(poll(&mut self.accepting_both, &self.connection, cx, begin));
        let (send, receive) = accepted.map_err(failure::connection)?;
        Poll::Ready(Ok(Stream::new(send, receive)))
    }

    fn opener(&self) -> Self {
        Self::new(self.connection.clone())
    }
}

impl quic::OpenStreams<Bytes> for Wire {
    type BidiStream = Stream;
    type SendStream = Send;

    fn poll_open_bidi(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stream, StreamErrorIncoming>> {
        let begin = |connection: quinn::Connection| async move { connection.open_bi().await };
        let opened = ready!(poll(&mut self.opening_both, &self.connection, cx, begin));
        let (send, receive) = opened.map_err(failure::on_stream)?;
        Poll::Ready(Ok(Stream::new(send, receive)))
    }

    fn poll_open_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<Send, StreamErrorIncoming>> {
        let begin = |connection: quinn::Connection| async move { connection.open_uni().await };
        let opened = ready!(poll(&mut self.opening_one, &self.connection, cx, begin));
        Poll::Ready(opened.map(Send::new).map_err(failure::on_stream))
    }

    fn close(&mut self, error: Code, reason: &[u8]) {
        self.connection.close(code(error.value()), reason);
    }
}
