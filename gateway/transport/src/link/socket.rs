//! A worker's socket, its link, and the drain, waited for in one task.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tidegate_core::workers::{Link, LinkEvent};
use tidegate_protocol::frame::FrameError;
use tidegate_protocol::limits::{LINK_FRAME_MAX_BYTES, LINK_HELLO_TIMEOUT_MS, LINK_LEASE_MS};
use tidegate_protocol::link::{GatewayFrame, WorkerFrame};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::drain::{Phase, Watch};
use crate::websocket::{self, Bounds, End, Io, Message};

const BOUNDS: Bounds = Bounds {
    message: LINK_FRAME_MAX_BYTES,
    read_buffer: 16 * 1024,
    unsent: 64 * 1024,
    binary: false,
};
/// The link itself ends a silent connection, unless the socket is stuck.
const STUCK: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Socket {
    ws: websocket::Socket<Io>,
    drain: Watch,
    phase: Phase,
    /// When a connection that shows no life is cut.
    deadline: Instant,
}

/// What comes next.
pub(super) enum Happened {
    /// A frame and its size.
    Frame(WorkerFrame, usize),
    /// A message that is none.
    Malformed(FrameError),
    /// The link wants something.
    Event(LinkEvent),
    /// The drain moved on.
    Drain(Phase),
    /// The connection is at its end.
    Ended(End),
}

impl Socket {
    pub(super) fn new(io: Io, drain: Watch) -> Self {
        let ws = websocket::Socket::new(io, BOUNDS);
        let deadline = in_ms(LINK_HELLO_TIMEOUT_MS) + STUCK;
        Self { ws, drain, phase: Phase::Up, deadline }
    }

    /// The next thing to do. What the link has to say goes before what the worker says, so that a
    /// refusal is out before anything else is read.
    pub(super) async fn next(&mut self, link: &mut Link) -> Happened {
        let deadline = self.deadline;
        let mut event = pin!(link.next());
        let happened = poll_fn(|cx| self.poll(cx, event.as_mut()));
        timeout_at(deadline, happened).await.unwrap_or_else(|_| {
            debug!("a link was stuck");
            Happened::Ended(End::Lost)
        })
    }

    /// Where in the spread of a drain, but within `max`, this link is; in ms.
    pub(super) fn moment(&self, entropy: u128, max: Duration) -> u64 {
        let moment = self.drain.moment(entropy, max);
        u64::try_from(moment.as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes a frame to be written; it is flushed when nothing else is ready.
    pub(super) fn feed(&mut self, frame: &GatewayFrame) {
        self.ws.send(&[frame.to_json().into()]);
    }

    /// Says goodbye, with a code if the gateway ends it.
    pub(super) async fn close(self, close: Option<(u16, String)>) {
        self.ws.close(close.as_ref().map(|(code, reason)| (*code, reason.as_str()))).await;
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        event: Pin<&mut impl Future<Output = LinkEvent>>,
    ) -> Poll<Happened> {
        let phase = self.drain.poll(cx);
        if phase != self.phase {
            self.phase = phase;
            return Poll::Ready(Happened::Drain(phase));
        }
        match self.ws.poll_room(cx) {
            Poll::Ready(Ok(())) => {
                if let Poll::Ready(event) = event.poll(cx) {
                    return Poll::Ready(Happened::Event(event));
                }
                if let Poll::Ready(Err(end)) = self.ws.poll_flush(cx) {
                    return Poll::Ready(Happened::Ended(end));
                }
            }
            Poll::Ready(Err(end)) => return Poll::Ready(Happened::Ended(end)),
            Poll::Pending => {}
        }
        let message = ready!(self.ws.poll_receive(cx));
        Poll::Ready(self.read(message))
    }

    fn read(&mut self, message: Result<Message, End>) -> Happened {
        match message {
            Ok(Message::Text(text)) => match WorkerFrame::parse(text.as_str()) {
                Ok(frame) => {
                    self.deadline = in_ms(LINK_LEASE_MS) + STUCK;
                    Happened::Frame(frame, text.len())
                }
                Err(error) => Happened::Malformed(error),
            },
            Ok(Message::Binary(_)) | Err(End::Binary | End::NotUtf8) => {
                Happened::Malformed(FrameError::NotText)
            }
            Err(End::TooLarge) => {
                Happened::Malformed(FrameError::TooLarge { max: LINK_FRAME_MAX_BYTES })
            }
            Err(end) => Happened::Ended(end),
        }
    }
}

fn in_ms(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}
