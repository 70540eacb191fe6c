//! The one task of a socket: frames in, answers out, and the drain.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::{Map, Value};
use tidegate_core::error::Result;
use tidegate_protocol::limits::{
    CHAT_BODY_MAX_BYTES, CHAT_SOCKET_ANONYMOUS_MAX_BYTES, CHAT_SOCKET_CREDENTIAL_TIMEOUT_MS,
    CHAT_SOCKET_UNSENT_MAX_BYTES,
};
use tidegate_protocol::{ApiError, ErrorCode};
use tokio::time::{Sleep, sleep};

use super::caller::Caller;
use super::frame::{self, Frame, NoFrame, Resume, Send};
use super::reply::Reply;
use super::request::{Asked, Request};
use super::requests::Requests;
use crate::ai_sdk::request::ChatRequest;
use crate::drain::{Phase, Watch};
use crate::service::app::App;
use crate::service::route::valid_name;
use crate::sse::quiet::Quiet;
use crate::websocket::{Bounds, End, Io, Message, Socket};

const BOUNDS: Bounds = Bounds {
    message: CHAT_SOCKET_ANONYMOUS_MAX_BYTES,
    read_buffer: 4 * 1024,
    unsent: CHAT_SOCKET_UNSENT_MAX_BYTES,
    binary: false,
};
const CREDENTIAL_TIMEOUT: Duration = Duration::from_millis(CHAT_SOCKET_CREDENTIAL_TIMEOUT_MS);
/// Frames that are read while the client takes nothing: it may want to stop something. Each may
/// have an answer, so further ones stay with the client (R-AI-23).
const READS_WITHOUT_ROOM: usize = 16;
const GOING_AWAY: Close = Some((1001, "the gateway drains"));
const NOBODY: Close = Some((1008, "no credential came"));

/// With which code, and why, a socket is closed; `None` where its peer ended it.
type Close = Option<(u16, &'static str)>;

/// Serves the socket until either side ends it. That stops no turn, unless its agent says so.
pub(super) async fn drive(io: Io, app: Arc<App>, agent: String, opener: Option<Caller>) {
    let (drain, socket) = (app.drain.watch(), Socket::new(io, BOUNDS));
    let anonymous = Some(Box::pin(sleep(CREDENTIAL_TIMEOUT)));
    let (requests, quiet) = (Requests::default(), Quiet::new(None));
    let mut driver = Driver {
        socket,
        app,
        agent,
        opener: None,
        requests,
        reads_without_room: 0,
        drain,
        quiet,
        anonymous,
    };
    if opener.is_some() {
        driver.opener = opener;
        driver.is_known();
    }
    let close = poll_fn(|cx| driver.poll(cx)).await;
    // Those that were read are carried through; answers are not waited for.
    drop(driver.requests);
    driver.socket.close(close).await;
}

struct Driver {
    socket: Socket<Io>,
    app: Arc<App>,
    agent: String,
    opener: Option<Caller>,
    requests: Requests,
    reads_without_room: usize,
    drain: Watch,
    quiet: Quiet,
    /// Until somebody with a valid credential is there.
    anonymous: Option<Pin<Box<Sleep>>>,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        loop {
            match self.drain.poll(cx) {
                Phase::Stopped => return Poll::Ready(GOING_AWAY),
                Phase::Draining | Phase::Ending if self.requests.is_empty() => {
                    return Poll::Ready(GOING_AWAY);
                }
                _ => {}
            }
            if self.requests.poll_begun(cx, &self.app, &mut self.socket) {
                continue;
            }
            match self.poll_write(cx) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(end) => return Poll::Ready(end.close()),
            }
            if !self.requests.are_behind()
                && self.reads_without_room < READS_WITHOUT_ROOM
                && let Poll::Ready(message) = self.socket.poll_receive(cx)
            {
                self.reads_without_room += 1;
                match self.take(message) {
                    Ok(()) => continue,
                    Err(close) => return Poll::Ready(close),
                }
            }
            if let Some(timer) = &mut self.anonymous
                && timer.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(NOBODY);
            }
            return Poll::Pending;
        }
    }

    /// Sends what there is room for. True if there may be more.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        match self.socket.poll_room(cx) {
            Poll::Ready(room) => room?,
            Poll::Pending => return Ok(false),
        }
        self.reads_without_room = 0;
        if self.requests.poll_answer(cx, &mut self.socket) {
            self.quiet.wrote();
            return Ok(true);
        }
        if let Poll::Ready(flushed) = self.socket.poll_flush(cx) {
            flushed?;
            if self.quiet.poll(cx).is_ready() {
                self.socket.ping();
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&mut self, message: Result<Message, End>) -> Result<(), Close> {
        let text = match message {
            Ok(Message::Text(text)) => text,
            Ok(Message::Binary(_)) => return Err(End::Binary.close()),
            Err(end) => return Err(end.close()),
        };
        match frame::parse(text.as_str()).map_err(bad)? {
            Frame::Abort { request } => self.requests.abort(&request, &self.app),
            Frame::Send(send) => {
                self.claim(&send.request)?;
                let reply = Reply::new(&send.request, None);
                self.begin(self.sent(*send, text.len()), &reply);
            }
            Frame::Resume(resume) => {
                self.claim(&resume.request)?;
                let reply = Reply::new(&resume.request, None);
                self.begin(self.resumed(*resume, text.len()), &reply);
            }
        }
        Ok(())
    }

    /// A request that is under way keeps its id.
    fn claim(&self, id: &str) -> Result<(), Close> {
        if id.is_empty() || self.requests.knows(id) {
            return Err(bad(NoFrame("requestId must be new")));
        }
        Ok(())
    }

    fn begin(&mut self, request: Result<Request>, refusal: &Reply) {
        match request {
            Ok(request) => {
                self.is_known();
                self.requests.push(request);
            }
            Err(error) => refusal.refused(&mut self.socket, &error),
        }
    }

    fn sent(&self, send: Send, bytes: usize) -> Result<Request> {
        let caller = self.caller(&send.headers)?;
        caller.count(&self.app)?;
        let part = send.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-part-id"));
        let part = part.and_then(|(_, value)| value.as_str()).map(str::to_owned);
        let chat = ChatRequest::of(send.chat)?;
        let (id, name, principal) = (send.request, chat.id.clone(), caller.principal);
        let asked = Asked { id, chat: name, principal, bytes };
        Ok(Request::send(&self.app, asked, &self.agent, chat, part))
    }

    fn resumed(&self, resume: Resume, bytes: usize) -> Result<Request> {
        let caller = self.caller(&resume.headers)?;
        valid_name(&resume.chat)?;
        let Resume { request, chat, last, .. } = resume;
        let asked = Asked { id: request, chat, principal: caller.principal, bytes };
        Ok(Request::resume(&self.app, asked, &self.agent, last))
    }

    fn caller(&self, headers: &Map<String, Value>) -> Result<Caller> {
        if self.requests.is_full() {
            let message = "as many requests as a socket may have are under way";
            return Err(ApiError::new(ErrorCode::Overloaded, message));
        }
        Caller::of_frame(&self.app, headers, self.opener.as_ref())
    }

    /// Somebody with a valid credential is there: from now on frames may be as large as over HTTP.
    fn is_known(&mut self) {
        if self.anonymous.take().is_some() {
            self.socket.set_message_max(CHAT_BODY_MAX_BYTES);
        }
    }
}

fn bad(frame: NoFrame) -> Close {
    Some((1008, frame.0))
}
