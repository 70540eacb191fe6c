//! Carries the frames of a connection over a WebTransport session: a control stream, and a stream
//! for each subscription, so that none delays another (R-DPX-3).

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tidegate_protocol::duplex::codes;
use tidegate_protocol::frame::FrameError;
use tidegate_protocol::limits::{
    DUPLEX_FRAME_MAX_BYTES, DUPLEX_HELLO_MAX_BYTES, DUPLEX_HELLO_TIMEOUT_MS,
    DUPLEX_UNSENT_MAX_BYTES,
};
use tokio::time::timeout;

use super::connection::{Connection, Out};
use super::lanes::{Lanes, Sent};
use super::stall::Stall;
use crate::webtransport::{Control, FrameError as LineError, Session};

/// How long a client may take to read what is said last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The close code and its reason, if there is somebody to tell.
type Close = Option<(u16, Cow<'static, str>)>;

/// Serves the connection until either side ends it.
pub(super) async fn drive(session: Session, connection: Box<Connection>, stall: Duration) {
    let mut ended = pin!(session.closed());
    let carrier = tokio::select! {
        carrier = Box::pin(begin(&session, connection, stall)) => carrier,
        _ = &mut ended => return,
    };
    let Some(mut carrier) = carrier else {
        return session.close(u32::from(codes::NO_HELLO), "no control stream came in time");
    };
    let close = tokio::select! {
        close = poll_fn(|cx| carrier.poll(cx)) => close,
        _ = &mut ended => return,
    };
    if let Some((code, reason)) = close {
        Box::pin(carrier.part()).await;
        session.close(u32::from(code), &reason);
    }
}

/// Waits for the control stream; not for ever.
async fn begin(
    session: &Session,
    connection: Box<Connection>,
    stall: Duration,
) -> Option<Box<Carrier>> {
    let hello = Duration::from_millis(DUPLEX_HELLO_TIMEOUT_MS);
    let control = timeout(hello, session.control(DUPLEX_HELLO_MAX_BYTES)).await.ok()?;
    let lanes = Lanes::new(session.clone());
    let (unsent, stall) = (BytesMut::new(), Stall::new(stall));
    Some(Box::new(Carrier { connection, control, lanes, unsent, stall }))
}

struct Carrier {
    connection: Box<Connection>,
    control: Control,
    lanes: Lanes,
    /// Of the control stream.
    unsent: BytesMut,
    stall: Stall,
}

impl Carrier {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        if let Poll::Ready(close) = self.carry(cx) {
            return Poll::Ready(close);
        }
        let waits = self.unsent.len() >= DUPLEX_UNSENT_MAX_BYTES || self.lanes.is_full();
        let left = waits.then(|| self.unsent.len() + self.lanes.unsent());
        ready!(self.stall.poll(cx, left));
        Poll::Ready(Some((codes::UNAVAILABLE, "the client takes nothing".into())))
    }

    fn carry(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        loop {
            self.connection.advance(cx);
            if let Some(close) = self.connection.must_go() {
                return Poll::Ready(Some(close));
            }
            if let Poll::Ready(close) = self.poll_control(cx) {
                return Poll::Ready(close);
            }
            self.poll_lanes(cx);
            match self.poll_streams(cx) {
                Poll::Ready(Out::Close { code, reason }) => {
                    return Poll::Ready(Some((code, reason)));
                }
                Poll::Ready(out) => {
                    self.take(out);
                    continue;
                }
                Poll::Pending => {}
            }
            if !self.connection.has_room() {
                return Poll::Pending;
            }
            match ready!(self.control.poll_frame(cx)) {
                Some(Ok(line)) => self.receive(&line),
                Some(Err(LineError::TooLong)) => {
                    let max = DUPLEX_FRAME_MAX_BYTES;
                    self.connection.malformed(&FrameError::TooLarge { max });
                }
                Some(Err(LineError::Cut)) | None => return Poll::Ready(None),
            }
        }
    }

    /// Pending when there is nothing to write on the control stream, or no room for it.
    fn poll_control(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        loop {
            while self.unsent.len() < DUPLEX_UNSENT_MAX_BYTES {
                match self.connection.next_control() {
                    Poll::Ready(Out::Close { code, reason }) => {
                        return Poll::Ready(Some((code, reason)));
                    }
                    Poll::Ready(out) => self.take(out),
                    Poll::Pending => break,
                }
            }
            if self.unsent.is_empty() {
                return Poll::Pending;
            }
            let mut bytes = self.unsent.split().freeze();
            let written = self.control.poll_write(cx, &mut bytes);
            self.unsent.extend_from_slice(&bytes);
            match written {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Goes on with the streams that had to wait.
    fn poll_lanes(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready((id, sent)) = self.lanes.poll(cx) {
            match sent {
                Sent::Stopped => self.connection.stopped(id),
                Sent::Whole | Sent::Blocked => self.connection.unblock(id),
            }
        }
        if self.lanes.has_room_again() {
            self.connection.unblock_all();
        }
    }

    /// Sends what subscriptions have, up to something that is not theirs.
    fn poll_streams(&mut self, cx: &mut Context<'_>) -> Poll<Out> {
        loop {
            let Self { connection, lanes, .. } = self;
            let all_sent = lanes.unsent() == 0;
            match ready!(connection.poll_stream(cx, all_sent, |id| lanes.is_blocked(id))) {
                Out::Stream { id, frame } => {
                    if lanes.send(cx, id, frame) == Sent::Stopped {
                        connection.stopped(id);
                    }
                }
                out => return Poll::Ready(out),
            }
        }
    }

    fn take(&mut self, out: Out) {
        match out {
            Out::Control(frame) => {
                self.unsent.extend_from_slice(frame.as_bytes());
                self.unsent.extend_from_slice(b"\n");
            }
            Out::Ended { id } => self.lanes.end(id),
            // Whoever calls this has carried them out.
            Out::Stream { .. } | Out::Close { .. } => {}
        }
    }

    /// Who does not read what is left is told by the code alone.
    async fn part(mut self: Box<Self>) {
        let rest = self.unsent.split().freeze();
        let _ = timeout(LAST_WORDS, self.control.write(rest)).await;
    }

    fn receive(&mut self, line: &Bytes) {
        match std::str::from_utf8(line) {
            Ok(text) => self.connection.receive(text),
            Err(_) => self.connection.malformed(&FrameError::NotText),
        }
        if self.connection.is_trusted() {
            self.control.set_frame_max(DUPLEX_FRAME_MAX_BYTES);
        }
    }
}
