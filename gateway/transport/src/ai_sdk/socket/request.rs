//! One request of a socket, from its frame to the end of its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tidegate_core::access::Principal;
use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::ids::Channel;
use tracing::debug;

use super::reply::Reply;
use crate::ai_sdk::follow::{Following, Piece, STOP};
use crate::ai_sdk::request::ChatRequest;
use crate::ai_sdk::{chat, resume};
use crate::service::app::App;
use crate::service::finish::ToTheEnd;
use crate::websocket::{Io, Socket};

/// What is asked for, and by whom.
#[derive(Debug)]
pub(super) struct Asked {
    /// The request's id; empty once it is aborted.
    pub(super) id: String,
    /// What is asked of one chat is done in the order in which it was asked.
    pub(super) chat: String,
    pub(super) principal: Principal,
    /// What its frame took.
    pub(super) bytes: usize,
}

/// See the module.
pub(super) struct Request {
    pub(super) asked: Asked,
    reply: Reply,
    state: State,
    /// The client wants no more of it.
    aborted: bool,
}

enum State {
    /// `None` is an answer, too: nothing runs.
    Beginning(ToTheEnd<Result<Option<Following>>>),
    Answering(Box<Following>),
    Stopping(ToTheEnd<()>),
    Done,
}

impl Request {
    /// An input, and its answer.
    pub(super) fn send(
        app: &Arc<App>,
        asked: Asked,
        agent: &str,
        chat: ChatRequest,
        part_id: Option<String>,
    ) -> Self {
        let (app, agent) = (Arc::clone(app), agent.to_owned());
        let caller = asked.principal.clone();
        let beginning = ToTheEnd::of(async move {
            app.gateway.require_current(&caller).await?;
            chat::begin(&app, &caller, &agent, chat, part_id).await.map(Some)
        });
        Self::new(asked, None, beginning)
    }

    /// The answer that runs, after `last`.
    pub(super) fn resume(app: &Arc<App>, asked: Asked, agent: &str, last: Option<u64>) -> Self {
        let (app, agent) = (Arc::clone(app), agent.to_owned());
        let (caller, chat) = (asked.principal.clone(), asked.chat.clone());
        let beginning =
            ToTheEnd::of(async move { resume::running(&app, &caller, &agent, &chat).await });
        Self::new(asked, last, beginning)
    }

    fn new(
        asked: Asked,
        last: Option<u64>,
        beginning: ToTheEnd<Result<Option<Following>>>,
    ) -> Self {
        let reply = Reply::new(&asked.id, last);
        Self { asked, reply, state: State::Beginning(beginning), aborted: false }
    }

    pub(super) fn is_beginning(&self) -> bool {
        matches!(self.state, State::Beginning(_) | State::Stopping(_))
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The client stops it (R-AI-22): nothing more of it is sent, and its turn is stopped, once it
    /// is known that a stop hits that one.
    pub(super) fn abort(&mut self, app: &App) {
        self.aborted = true;
        self.asked.id = String::new();
        if let State::Answering(following) = &mut self.state {
            let hits = following.is_within();
            following.finish();
            self.state = if hits { self.stop(app) } else { State::Done };
        }
    }

    /// Goes on with what is not an answer yet. True if something changed.
    pub(super) fn poll_begun(
        &mut self,
        cx: &mut Context<'_>,
        app: &App,
        socket: &mut Socket<Io>,
    ) -> bool {
        let begun = match &mut self.state {
            State::Beginning(beginning) => Pin::new(beginning).poll(cx),
            State::Stopping(stopping) => {
                if Pin::new(stopping).poll(cx).is_pending() {
                    return false;
                }
                self.state = State::Done;
                return true;
            }
            State::Answering(_) | State::Done => return false,
        };
        let Poll::Ready(begun) = begun else { return false };
        self.state = State::Done;
        match begun {
            Ok(Some(following)) => {
                self.state = State::Answering(Box::new(following));
                if self.aborted {
                    self.abort(app);
                } else {
                    self.reply.start(socket);
                }
            }
            Ok(None) if !self.aborted => self.reply.no_active(socket),
            Err(error) if !self.aborted => self.reply.refused(socket, &error),
            Ok(None) | Err(_) => {}
        }
        true
    }

    /// Sends what is there of the answer. True if something changed.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>, socket: &mut Socket<Io>) -> bool {
        let State::Answering(following) = &mut self.state else { return false };
        let reply = &mut self.reply;
        let Poll::Ready(piece) = following.poll(cx, |chunk| reply.chunk(socket, chunk)) else {
            return false;
        };
        match piece {
            Piece::Chunks => return true,
            Piece::End => self.reply.end(socket),
            Piece::Failed(message) => self.reply.failed(socket, message),
        }
        self.state = State::Done;
        true
    }

    /// A stop is a record, and outlives the socket (I5).
    fn stop(&self, app: &App) -> State {
        let (gateway, principal) = (app.gateway.clone(), self.asked.principal.clone());
        let chat = self.asked.chat.clone();
        State::Stopping(ToTheEnd::of(async move {
            let request = AppendRequest { body: STOP, ..AppendRequest::default() };
            if let Err(error) = gateway.append(&principal, &chat, &Channel::IN, request).await {
                debug!(%error, "an abort could not stop its turn");
            }
        }))
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("asked", &self.asked).finish_non_exhaustive()
    }
}
