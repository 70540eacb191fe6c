//! Carries the frames of a connection over a WebSocket.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use tidegate_protocol::frame::FrameError;
use tidegate_protocol::limits::{
    DUPLEX_FRAME_MAX_BYTES, DUPLEX_HELLO_MAX_BYTES, DUPLEX_UNSENT_MAX_BYTES,
};

use super::connection::{Connection, Out};
use crate::websocket::{Bounds, End, Io, Message, Socket};

const BOUNDS: Bounds = Bounds {
    // Who has not said who it is gets room for a credential only.
    message: DUPLEX_HELLO_MAX_BYTES,
    read_buffer: 4 * 1024,
    unsent: DUPLEX_UNSENT_MAX_BYTES,
    binary: false,
};

/// Why it is over: the close code and its reason, if there is somebody to tell.
type Close = Option<(u16, String)>;

/// Serves the connection until either side ends it.
pub(super) async fn drive(io: Io, mut connection: Box<Connection>) {
    let mut socket = Socket::new(io, BOUNDS);
    let close = poll_fn(|cx| poll(cx, &mut socket, &mut connection)).await;
    drop(connection);
    socket.close(close.as_ref().map(|(code, reason)| (*code, &**reason))).await;
}

fn poll(cx: &mut Context<'_>, socket: &mut Socket<Io>, connection: &mut Connection) -> Poll<Close> {
    loop {
        if let Poll::Ready(close) = poll_write(cx, socket, connection) {
            return Poll::Ready(close);
        }
        if !connection.has_room() {
            return Poll::Pending;
        }
        match ready!(socket.poll_receive(cx)) {
            Ok(Message::Text(text)) => {
                connection.receive(&text);
                if connection.is_greeted() {
                    socket.set_message_max(DUPLEX_FRAME_MAX_BYTES);
                }
            }
            Ok(Message::Binary(_)) => connection.malformed(&FrameError::NotText),
            Err(End::TooLarge) => {
                let max = DUPLEX_FRAME_MAX_BYTES;
                connection.malformed(&FrameError::TooLarge { max });
            }
            Err(end) => {
                return Poll::Ready(end.close().map(|(code, text)| (code, text.to_owned())));
            }
        }
    }
}

/// Pending when there is nothing to write, or no room for it.
fn poll_write(
    cx: &mut Context<'_>,
    socket: &mut Socket<Io>,
    connection: &mut Connection,
) -> Poll<Close> {
    while let Poll::Ready(room) = socket.poll_room(cx) {
        if room.is_err() {
            return Poll::Ready(None);
        }
        let out = match connection.poll_control(cx) {
            Poll::Ready(out) => Poll::Ready(out),
            Poll::Pending => connection.poll_stream(cx, |_| false),
        };
        match out {
            Poll::Ready(Out::Control(frame)) => socket.send(&[frame.into()]),
            Poll::Ready(Out::Stream { frame, .. }) => socket.send(&frame),
            Poll::Ready(Out::Ended { .. }) => {}
            Poll::Ready(Out::Close { code, reason }) => {
                return Poll::Ready(Some((code, reason.into_owned())));
            }
            Poll::Pending => match ready!(socket.poll_flush(cx)) {
                Ok(()) => return Poll::Pending,
                Err(_) => return Poll::Ready(None),
            },
        }
    }
    Poll::Pending
}
