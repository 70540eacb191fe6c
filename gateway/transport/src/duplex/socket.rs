//! Carries the frames of a connection over a WebSocket.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tidegate_protocol::duplex::codes;
use tidegate_protocol::frame::FrameError;
use tidegate_protocol::limits::{
    DUPLEX_FRAME_MAX_BYTES, DUPLEX_HELLO_MAX_BYTES, DUPLEX_UNSENT_MAX_BYTES,
};

use super::connection::{Connection, Out};
use super::stall::Stall;
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
pub(super) async fn drive(io: Io, connection: Box<Connection>, write_stall: Duration) {
    let mut driver = Box::new(Driver {
        socket: Socket::new(io, BOUNDS),
        connection,
        stall: Stall::new(write_stall),
    });
    let close = poll_fn(|cx| driver.poll(cx)).await;
    let Driver { socket, connection, .. } = *driver;
    drop(connection);
    socket.close(close.as_ref().map(|(code, reason)| (*code, &**reason))).await;
}

struct Driver {
    socket: Socket<Io>,
    connection: Box<Connection>,
    stall: Stall,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        loop {
            self.connection.advance(cx);
            if let Some((code, reason)) = self.connection.must_go() {
                return Poll::Ready(Some((code, reason.into_owned())));
            }
            if let Poll::Ready(close) = self.poll_write(cx) {
                return Poll::Ready(close);
            }
            if self.stall.poll(cx, self.socket.waiting()).is_ready() {
                let reason = "the client takes nothing".to_owned();
                return Poll::Ready(Some((codes::UNAVAILABLE, reason)));
            }
            if !self.connection.has_room() {
                return Poll::Pending;
            }
            match ready!(self.socket.poll_receive(cx)) {
                Ok(Message::Text(text)) => {
                    self.connection.receive(&text);
                    if self.connection.is_trusted() {
                        self.socket.set_message_max(DUPLEX_FRAME_MAX_BYTES);
                    }
                }
                Ok(Message::Binary(_)) => self.connection.malformed(&FrameError::NotText),
                Err(End::TooLarge) => {
                    let max = DUPLEX_FRAME_MAX_BYTES;
                    self.connection.malformed(&FrameError::TooLarge { max });
                }
                Err(end) => {
                    return Poll::Ready(end.close().map(|(code, text)| (code, text.to_owned())));
                }
            }
        }
    }

    /// Pending when there is nothing to write, or no room for it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        let Self { socket, connection, .. } = self;
        while let Poll::Ready(room) = socket.poll_room(cx) {
            if room.is_err() {
                return Poll::Ready(None);
            }
            let out = match connection.next_control() {
                Poll::Ready(out) => Poll::Ready(out),
                // What waits in the socket goes out before its close.
                Poll::Pending => connection.poll_stream(cx, true, |_| false),
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
}
