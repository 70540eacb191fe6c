//! The stream of one subscription over WebTransport: it is opened when there is something to say,
//! and holds one frame at most.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tidegate_protocol::duplex::GatewayFrame;

use crate::webtransport::{Cut, Session, Writer};
use tidegate_core::seams::BoxFuture;

/// Frames up to this size are written as one piece.
const COPIED_MAX_BYTES: usize = 1024;
const LINE_END: Bytes = Bytes::from_static(b"\n");

/// See the module.
pub(super) struct Lane {
    state: State,
    /// What is not written yet.
    unsent: VecDeque<Bytes>,
}

enum State {
    Opening(BoxFuture<'static, Result<Writer, Cut>>),
    Open(Writer),
}

impl Lane {
    /// The stream of subscription `id`.
    pub(super) fn open(session: &Session, id: u64) -> Self {
        let session = session.clone();
        let opening = Box::pin(async move { session.open_stream().await });
        let head = Bytes::from(GatewayFrame::Stream { id }.to_json());
        Self { state: State::Opening(opening), unsent: VecDeque::from([head, LINE_END]) }
    }

    /// Takes a frame.
    pub(super) fn push(&mut self, frame: [Bytes; 3]) {
        if frame.iter().map(Bytes::len).sum::<usize>() <= COPIED_MAX_BYTES {
            let [head, records, end] = &frame;
            self.unsent.push_back([head, records, end, &*LINE_END].concat().into());
        } else {
            self.unsent.extend(frame.into_iter().filter(|piece| !piece.is_empty()));
            self.unsent.push_back(LINE_END);
        }
    }

    /// Bytes that wait.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.iter().map(Bytes::len).sum()
    }

    /// Ready when nothing is left to write.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        if let State::Opening(opening) = &mut self.state {
            self.state = State::Open(ready!(opening.as_mut().poll(cx))?);
        }
        let State::Open(writer) = &mut self.state else { return Poll::Pending };
        while let Some(piece) = self.unsent.front_mut() {
            ready!(writer.poll_write(cx, piece))?;
            self.unsent.pop_front();
        }
        Poll::Ready(Ok(()))
    }

    /// The subscription has ended. What the client has of a frame that is not whole, it can't use.
    pub(super) fn end(mut self) {
        if let (State::Open(writer), false) = (&mut self.state, self.unsent.is_empty()) {
            writer.reset();
        }
    }
}
