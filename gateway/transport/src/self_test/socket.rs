//! `GET /v1/self-test/socket`: a WebSocket that answers every message with itself (R-SELF-8).

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tidegate_core::error::Result;
use tidegate_protocol::limits::SELF_TEST_SOCKET_MESSAGE_MAX_BYTES;

use crate::drain::{Phase, Watch};
use crate::service::call::Call;
use crate::service::respond::Response;
use crate::websocket::{Bounds, End, Handshake, Io, Message, Socket};

const BOUNDS: Bounds = Bounds {
    message: SELF_TEST_SOCKET_MESSAGE_MAX_BYTES,
    read_buffer: 4 * 1024,
    unsent: 64 * 1024,
    binary: true,
};
const GOING_AWAY: (u16, &str) = (1001, "the gateway drains");

/// Opens the echo, for whoever has a secret key.
pub(crate) fn open(mut call: Call<'_>) -> Result<Response> {
    call.principal.require_secret()?;
    let handshake = Handshake::of(&mut call.parts, &[])?;
    let permit = call.stream_permit()?;
    let drain = call.app.drain.watch();
    Ok(handshake.switch(call.app, move |io| async move {
        echo(io, drain).await;
        drop(permit);
    }))
}

async fn echo(io: Io, mut drain: Watch) {
    let mut socket = Socket::new(io, BOUNDS);
    let close = poll_fn(|cx| poll(&mut socket, &mut drain, cx)).await;
    socket.close(close).await;
}

/// Answers messages, until it is known how the socket ends.
fn poll(
    socket: &mut Socket<Io>,
    drain: &mut Watch,
    cx: &mut Context<'_>,
) -> Poll<Option<(u16, &'static str)>> {
    if drain.poll(cx) >= Phase::Draining {
        return Poll::Ready(Some(GOING_AWAY));
    }
    match ready!(poll_echo(socket, cx)) {
        Ok(never) => match never {},
        Err(end) => Poll::Ready(end.close()),
    }
}

fn poll_echo(
    socket: &mut Socket<Io>,
    cx: &mut Context<'_>,
) -> Poll<std::result::Result<std::convert::Infallible, End>> {
    loop {
        // Who does not read is not read from either.
        ready!(socket.poll_room(cx))?;
        match socket.poll_receive(cx) {
            Poll::Ready(Ok(Message::Text(text))) => socket.send(&[Bytes::from(text)]),
            Poll::Ready(Ok(Message::Binary(bytes))) => socket.send_binary(&[bytes]),
            Poll::Ready(Err(end)) => return Poll::Ready(Err(end)),
            Poll::Pending => {
                ready!(socket.poll_flush(cx))?;
                return Poll::Pending;
            }
        }
    }
}
