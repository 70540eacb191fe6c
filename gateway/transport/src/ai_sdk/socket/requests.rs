//! The requests that are under way on a socket.

use std::task::Context;

use tidegate_protocol::limits::CHAT_SOCKET_REQUESTS_MAX;

use super::request::Request;
use crate::service::app::App;
use crate::websocket::{Io, Socket};

/// Bytes of requests that have not begun.
const READ_AHEAD_BYTES: usize = 1024 * 1024;

/// See the module. In the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Requests {
    all: Vec<Request>,
    /// Whose answer is looked at first.
    turn: usize,
}

impl Requests {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Is there no room for another one?
    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= CHAT_SOCKET_REQUESTS_MAX
    }

    /// Is so much read that has not begun yet that what else the client sends stays with it?
    pub(super) fn are_behind(&self) -> bool {
        let beginning = self.all.iter().filter(|request| request.is_beginning());
        beginning.map(|request| request.asked.bytes).sum::<usize>() >= READ_AHEAD_BYTES
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.all.iter().any(|request| request.asked.id == id)
    }

    pub(super) fn push(&mut self, request: Request) {
        self.all.push(request);
    }

    /// The client stops the request called `id`; one that has ended is nothing to stop.
    pub(super) fn abort(&mut self, id: &str, app: &App) {
        let found = self.all.iter_mut().find(|request| request.asked.id == id && !id.is_empty());
        if let Some(request) = found {
            request.abort(app);
        }
    }

    /// Goes on with those that have no answer yet: of a chat, with the first of them. True if
    /// something changed.
    pub(super) fn poll_begun(
        &mut self,
        cx: &mut Context<'_>,
        app: &App,
        socket: &mut Socket<Io>,
    ) -> bool {
        let mut changed = false;
        for index in 0..self.all.len() {
            let (before, rest) = self.all.split_at_mut(index);
            let request = &mut rest[0];
            let waits = before
                .iter()
                .any(|other| other.is_beginning() && other.asked.chat == request.asked.chat);
            if !waits {
                changed |= request.poll_begun(cx, app, socket);
            }
        }
        self.forget();
        changed
    }

    /// Sends what is there of one answer; each gets its turn. True if something was there.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>, socket: &mut Socket<Io>) -> bool {
        let count = self.all.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            if self.all[index].poll_answer(cx, socket) {
                self.turn = index + 1;
                self.forget();
                return true;
            }
        }
        false
    }

    fn forget(&mut self) {
        self.all.retain(|request| !request.is_done());
    }
}
