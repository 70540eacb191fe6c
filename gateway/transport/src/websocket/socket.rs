//! One WebSocket, polled by one task: messages in, messages out, both bounded, and no channels.
//!
//! A driver that has three things to wait for does so in one `poll_fn`:
//!
//! 1. `poll_room`: ready means that a message may be sent, so its own events are polled only then;
//! 2. `poll_flush`, once none of those is ready: everything that was sent goes out in one write;
//! 3. `poll_receive`, also while the peer takes nothing, for it may be stuck writing itself.
//!
//! All of them may be polled again after `Pending`, in any order, and lose nothing if dropped.

use std::fmt;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Message as Frame, Utf8Bytes};

use super::bounds::Bounds;
use super::end::End;
use super::goodbye;
use super::outbox::Outbox;
use super::polled::Polled;

/// Longest header of a frame (RFC 6455 §5.2).
const HEADER_MAX_BYTES: usize = 14;
/// Messages that are still read while the peer does not read what it is sent. Reading must go on,
/// but not for ever: each may have an answer.
const READS_WHILE_BLOCKED: usize = 1_024;

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Valid UTF-8.
    Text(Utf8Bytes),
    /// Only where `Bounds::binary` allows it.
    Binary(Bytes),
}

/// See the module.
pub(crate) struct Socket<S> {
    io: S,
    codec: WebSocketContext,
    outbox: Outbox,
    bounds: Bounds,
    /// The transport may hold what was written until it is told not to.
    unflushed: bool,
    /// The peer did not take what was last written.
    blocked: bool,
    reads_while_blocked: usize,
    end: Option<End>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// The server's side of an upgraded connection.
    pub(crate) fn new(io: S, bounds: Bounds) -> Self {
        Self {
            io,
            codec: WebSocketContext::new(Role::Server, Some(bounds.config())),
            outbox: Outbox::default(),
            bounds,
            unflushed: false,
            blocked: false,
            reads_while_blocked: 0,
            end: None,
        }
    }

    /// From now on, messages of at most `bytes` are taken: so that a peer that has not yet said who
    /// it is can't make the gateway hold more than that takes.
    pub(crate) fn set_message_max(&mut self, bytes: usize) {
        self.bounds.message = bytes;
        self.codec.set_config(|config| {
            (config.max_message_size, config.max_frame_size) = (Some(bytes), Some(bytes));
        });
    }

    /// The next message. Pings are answered here; the answers go out with the next flush.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, End>> {
        loop {
            if let Some(end) = self.end {
                return Poll::Ready(Err(end));
            }
            if self.blocked && self.reads_while_blocked >= READS_WHILE_BLOCKED {
                return Poll::Pending;
            }
            let before = self.outbox.len();
            let read = self.poll_frame(cx);
            if self.outbox.len() > before && !self.blocked {
                // The answer to a ping: nothing else may be there to have it flushed.
                cx.waker().wake_by_ref();
            }
            let read = ready!(read);
            self.reads_while_blocked += usize::from(self.blocked);
            match read {
                Ok(Frame::Text(text)) => return Poll::Ready(Ok(Message::Text(text))),
                Ok(Frame::Binary(bytes)) if self.bounds.binary => {
                    return Poll::Ready(Ok(Message::Binary(bytes)));
                }
                Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_)) => {}
                Ok(Frame::Binary(_)) => self.end = Some(End::Binary),
                Ok(Frame::Close(_)) => self.end = Some(End::Closed),
                Err(error) => self.end = Some(End::of(&error)),
            }
        }
    }

    /// Ready while fewer than `Bounds::unsent` bytes wait to be written.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if self.outbox.len() < self.bounds.unsent && !self.blocked {
            return Poll::Ready(self.alive());
        }
        self.poll_written(cx)
    }

    /// Bytes that wait because the peer does not take them; `None` while it does.
    pub(crate) fn waiting(&self) -> Option<usize> {
        self.blocked.then(|| self.outbox.len())
    }

    /// Takes a text message, in pieces that are valid UTF-8 together. Without room it is taken all
    /// the same, so a driver asks `poll_room` before. After the end it is dropped.
    pub(crate) fn send(&mut self, pieces: &[Bytes]) {
        self.send_as(Data::Text, pieces);
    }

    /// The same for pieces that are copied.
    pub(crate) fn send_copied(&mut self, pieces: &[&[u8]]) {
        if self.begin(OpCode::Data(Data::Text), pieces.iter().map(|piece| piece.len()).sum()) {
            pieces.iter().for_each(|piece| self.outbox.copy(piece));
        }
    }

    /// Asks the peer's WebSocket whether it is there; what is on the way sees traffic.
    pub(crate) fn ping(&mut self) {
        self.begin(OpCode::Control(Control::Ping), 0);
    }

    /// Takes a binary message.
    pub(crate) fn send_binary(&mut self, pieces: &[Bytes]) {
        self.send_as(Data::Binary, pieces);
    }

    /// Ready when everything that was sent is with the transport.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        loop {
            self.poke_codec();
            if self.outbox.len() > 0 {
                ready!(self.poll_written(cx))?;
                // There may be room now for what the codec holds.
                continue;
            }
            self.alive()?;
            if self.unflushed {
                let flushed = ready!(Pin::new(&mut self.io).poll_flush(cx));
                flushed.map_err(|_| self.lost())?;
                self.unflushed = false;
            }
            return Poll::Ready(Ok(()));
        }
    }

    /// Says goodbye, with a code and a reason if it is the gateway that ends it, and waits a little
    /// until the peer has heard. What was sent goes before it.
    pub(crate) async fn close(mut self, close: Option<(u16, &str)>) {
        if self.end != Some(End::Lost) {
            self.queue_close(close);
            let in_the_middle = self.end == Some(End::TooLarge);
            // Boxed: a socket that is open holds no room for its end.
            Box::pin(goodbye::say(self.io, self.outbox, in_the_middle)).await;
        }
    }

    fn queue_close(&mut self, close: Option<(u16, &str)>) {
        let frame = close.map(|(code, reason)| {
            let reason = goodbye::cut(reason).to_owned();
            CloseFrame { code: code.into(), reason: reason.into() }
        });
        let Self { io, outbox, codec, .. } = self;
        let mut polled = Polled { io, cx: None, outbox, room: usize::MAX };
        // Failing means that the answer to the peer's close is on its way.
        let _ = match frame {
            Some(frame) => codec.close(&mut polled, Some(frame)),
            None => codec.flush(&mut polled),
        };
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Error>> {
        let room = self.bounds.unsent;
        let Self { io, outbox, codec, .. } = self;
        let mut polled = Polled { io, cx: Some(cx), outbox, room };
        match codec.read(&mut polled) {
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            result => Poll::Ready(result),
        }
    }

    /// Lets the codec put the control frames that found no room into the outbox.
    fn poke_codec(&mut self) {
        let (cx, room) = (None, self.bounds.unsent);
        let Self { io, outbox, codec, .. } = self;
        let _ = codec.flush(&mut Polled { io, cx, outbox, room });
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.alive()?;
        let written = self.outbox.poll_write(&mut self.io, cx);
        self.blocked = written.is_pending();
        let written = ready!(written);
        (self.unflushed, self.reads_while_blocked) = (true, 0);
        Poll::Ready(written.map_err(|_| self.lost()))
    }

    fn send_as(&mut self, kind: Data, pieces: &[Bytes]) {
        if self.begin(OpCode::Data(kind), pieces.iter().map(Bytes::len).sum()) {
            pieces.iter().for_each(|piece| self.outbox.push(piece.clone()));
        }
    }

    /// The header of a frame, if there is anybody left to take it.
    fn begin(&mut self, opcode: OpCode, length: usize) -> bool {
        if matches!(self.end, Some(End::Closed | End::Lost)) {
            return false;
        }
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        let mut head = [0; HEADER_MAX_BYTES];
        let mut rest = &mut head[..];
        header.format(length as u64, &mut rest).expect("a header fits");
        let unused = rest.len();
        self.outbox.copy(&head[..HEADER_MAX_BYTES - unused]);
        true
    }

    fn alive(&self) -> Result<(), End> {
        if self.end == Some(End::Lost) { Err(End::Lost) } else { Ok(()) }
    }

    fn lost(&mut self) -> End {
        self.end = Some(End::Lost);
        End::Lost
    }
}

impl<S> fmt::Debug for Socket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsent = self.outbox.len();
        f.debug_struct("Socket").field("unsent", &unsent).field("end", &self.end).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const BOUNDS: Bounds =
        Bounds { message: 1_000, read_buffer: 4_096, unsent: 512, binary: false };

    fn pair() -> (Socket<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(64);
        (Socket::new(near, BOUNDS), far)
    }

    /// A masked frame, the mask being zero.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short @ ..126 => bytes.push(0x80 | short as u8),
            long => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&(long as u16).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(payload);
        bytes
    }

    async fn outcome(bytes: Vec<u8>) -> Result<Message, End> {
        let (mut socket, mut far) = pair();
        let receive = async {
            let result = poll_fn(|cx| socket.poll_receive(cx)).await;
            drop(socket);
            result
        };
        // Who is refused does not get rid of it all.
        let (result, _) = tokio::join!(receive, far.write_all(&bytes));
        result
    }

    #[tokio::test]
    async fn each_way_to_end() {
        let text = Ok(Message::Text("hello".into()));
        assert_eq!(outcome(frame(0x81, b"hello")).await, text);
        let fragments = [frame(0x01, b"he"), frame(0x89, b"!"), frame(0x80, b"llo")].concat();
        assert_eq!(outcome(fragments).await, text);
        for (bytes, end, code) in [
            (frame(0x82, b"x"), End::Binary, Some(1003)),
            (frame(0x81, b"\xff"), End::NotUtf8, Some(1007)),
            (frame(0x81, &[b'x'; 1_001]), End::TooLarge, Some(1009)),
            (frame(0x91, b"x"), End::Protocol, Some(1002)),
            (vec![0x81, 0x01, b'x'], End::Protocol, Some(1002)),
            (frame(0x88, &[3, 232]), End::Closed, None),
        ] {
            assert_eq!(outcome(bytes).await, Err(end));
            assert_eq!(end.close().map(|(code, _)| code), code);
        }
    }

    #[tokio::test]
    async fn a_peer_that_only_sends_pings_makes_nothing_grow() {
        let (mut socket, mut far) = pair();
        socket.send(&[Bytes::from(vec![b'x'; 600])]);
        let ping = frame(0x89, &[b'p'; 125]);
        let mut sent = 0;
        // It ends when the socket reads no more of them.
        tokio::task::unconstrained(poll_fn(|cx| {
            loop {
                assert!(socket.poll_room(cx).is_pending());
                assert!(socket.poll_receive(cx).is_pending());
                let rest = &ping[sent % ping.len()..];
                match Pin::new(&mut far).poll_write(cx, rest) {
                    Poll::Ready(written) => sent += written.expect("open"),
                    Poll::Pending => return Poll::Ready(()),
                }
            }
        }))
        .await;
        assert!(sent > READS_WHILE_BLOCKED * ping.len(), "{sent}");
        assert!(socket.outbox.len() < 1_024, "{}", socket.outbox.len());
        // Once it reads, it gets the message, and answers, though not to every ping.
        let flush = async {
            poll_fn(|cx| socket.poll_flush(cx)).await.expect("open");
            drop(socket);
        };
        let mut read = Vec::new();
        let (_, result) = tokio::join!(flush, far.read_to_end(&mut read));
        result.expect("open");
        assert_eq!(read[604..606], [0x8a, 125]);
        assert!(read.len() < 2_048, "{}", read.len());
    }

    #[tokio::test]
    async fn what_was_sent_goes_before_the_goodbye() {
        let (mut socket, mut far) = pair();
        socket.send(&["a ".into(), "message".into()]);
        let mut read = Vec::new();
        tokio::join!(socket.close(Some((4003, "bye"))), async {
            far.read_to_end(&mut read).await.expect("reads");
            drop(far);
        });
        assert_eq!(read, b"\x81\x09a message\x88\x05\x0f\xa3bye");
    }
}
