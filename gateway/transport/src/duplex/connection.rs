//! One connection: frames in, frames out. It knows no socket; a driver for each transport carries
//! the frames (R-DPX).

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tidegate_core::error::Result;
use tidegate_core::seams::store::StoreError;
use tidegate_protocol::duplex::{
    Acked, BATCH_END, ClientFrame, ErrorFrame, Gap, GatewayFrame, Welcome, batch_head, codes,
};
use tidegate_protocol::frame::FrameError;
use tidegate_protocol::ids::base36;
use tidegate_protocol::limits::{
    DUPLEX_FRAME_MAX_BYTES, DUPLEX_REQUESTS_MAX, DUPLEX_REQUESTS_MAX_BYTES, DUPLEX_SILENCE_MS,
    DUPLEX_SUBSCRIPTIONS_MAX, PING_INTERVAL_MS,
};
use tidegate_protocol::{ApiError, ErrorCode, version};

use super::credentials::Credentials;
use super::order::Order;
use super::requests::{Done, LookedAt, Outcome, Request};
use super::subscription::{Piece, Subscription};
use super::subscriptions::Subscriptions;
use super::timers::Timers;
use crate::service::app::App;
use crate::sse::departure::{Asked, Departure};

/// What a driver carries out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Out {
    /// A frame that is about the connection, or answers a request.
    Control(String),
    /// A frame of the stream of subscription `id`, in pieces: what readers share is not copied.
    Stream { id: u64, frame: [Bytes; 3] },
    /// The stream of subscription `id` ends.
    Ended { id: u64 },
    /// The connection ends.
    Close { code: u16, reason: Cow<'static, str> },
}

/// A request that is under way.
struct Begun {
    number: u64,
    /// What it holds, in bytes.
    bytes: usize,
}

/// What it is, and what comes of it.
type Numbered = Pin<Box<dyn Future<Output = (Begun, Done)> + Send>>;

/// See the module.
pub(crate) struct Connection {
    pub(super) app: Arc<App>,
    name: String,
    greeted: bool,
    pub(super) credentials: Credentials,
    pub(super) order: Order,
    requests: FuturesUnordered<Numbered>,
    /// Requests without an answer, by id. An id may be used again before what it named has ended,
    /// so each request has a number of its own.
    pub(super) pending: HashMap<u64, Pending>,
    begun: u64,
    /// What requests hold, in bytes.
    held: usize,
    pub(super) subscriptions: Subscriptions,
    control: VecDeque<Out>,
    pub(super) timers: Timers,
    pub(super) departure: Departure,
    /// What the drain asked last. `goaway` was sent unless it is to stay.
    pub(super) asked: Asked,
    pub(super) closing: Option<(u16, Cow<'static, str>)>,
}

/// A request without an answer.
pub(super) struct Pending {
    number: u64,
    /// Does it open a subscription?
    pub(super) opens: bool,
}

impl Connection {
    /// A new one.
    pub(crate) fn new(app: &Arc<App>) -> Self {
        Self {
            name: format!("c_{}", base36(app.gateway.entropy(), 21)),
            departure: Departure::new(app.drain.watch()),
            app: Arc::clone(app),
            greeted: false,
            credentials: Credentials::default(),
            order: Order::default(),
            requests: FuturesUnordered::new(),
            pending: HashMap::new(),
            begun: 0,
            held: 0,
            subscriptions: Subscriptions::default(),
            control: VecDeque::new(),
            timers: Timers::new(),
            asked: Asked::Stay,
            closing: None,
        }
    }

    /// The credential of the handshake.
    pub(crate) fn trust(&mut self, token: &str) -> Result<()> {
        let credential = self.authenticate(token)?;
        self.credentials.set(None, credential, |_| false);
        Ok(())
    }

    /// Is it known on whose behalf it speaks?
    pub(crate) fn is_trusted(&self) -> bool {
        self.greeted && !self.credentials.is_empty()
    }

    /// May another frame be read? Where not, the client is let wait.
    pub(crate) fn has_room(&self) -> bool {
        self.closing.is_none()
            && self.requests.len() < DUPLEX_REQUESTS_MAX
            && self.held < DUPLEX_REQUESTS_MAX_BYTES
            && self.control.len() < DUPLEX_REQUESTS_MAX
    }

    /// Does nothing wait that is about the connection or a request?
    pub(super) fn has_said_all(&self) -> bool {
        self.control.is_empty()
    }

    /// A frame came.
    pub(crate) fn receive(&mut self, text: &str) {
        if self.closing.is_some() {
            return;
        }
        self.timers.heard();
        match ClientFrame::parse(text) {
            Ok(frame) => self.handle(frame),
            Err(error) => self.malformed(&error),
        }
    }

    /// What came is not a frame.
    pub(crate) fn malformed(&mut self, error: &FrameError) {
        let code = match error {
            FrameError::TooLarge { .. } => codes::TOO_LARGE,
            _ => codes::MALFORMED,
        };
        self.refuse(ApiError::new(ErrorCode::InvalidBody, error.to_string()), code);
    }

    /// Requests go on, timers fall due, the drain is heard of. A driver asks for it first, and also
    /// while the client takes nothing.
    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) {
        while self.closing.is_none() {
            if let Poll::Ready(Some((begun, done))) = self.requests.poll_next_unpin(cx) {
                self.held -= begun.bytes;
                self.finish(begun.number, done);
            } else if let Poll::Ready(due) = self.timers.poll(cx) {
                self.fall_due(due);
            } else if !self.depart(cx) {
                return;
            }
        }
    }

    /// The next thing that is about the connection or a request. A driver asks for it before it
    /// asks for a stream's.
    pub(crate) fn next_control(&mut self) -> Poll<Out> {
        if let Some(out) = self.control.pop_front() {
            self.timers.spoke();
            return Poll::Ready(out);
        }
        match self.closing.clone() {
            Some((code, reason)) => Poll::Ready(Out::Close { code, reason }),
            None => Poll::Pending,
        }
    }

    /// The end that does not wait until the client has taken what was said before it.
    pub(crate) fn must_go(&self) -> Option<(u16, Cow<'static, str>)> {
        self.closing.clone().filter(|_| self.asked == Asked::Leave)
    }

    /// The next frame of a subscription that can go on now. Who `is_blocked` is passed over until
    /// [`Self::unblock`]. `all_sent`: nothing of a stream waits in the driver.
    pub(crate) fn poll_stream(
        &mut self,
        cx: &Context<'_>,
        all_sent: bool,
        is_blocked: impl Fn(u64) -> bool,
    ) -> Poll<Out> {
        // Asked before: what a turn wrote is there before the turn is over.
        let goes = all_sent && self.may_go();
        match self.subscriptions.poll(cx, is_blocked) {
            Poll::Ready((id, Ok(piece))) => {
                self.timers.spoke();
                return Poll::Ready(Out::Stream { id, frame: pieces(id, piece) });
            }
            Poll::Ready((id, Err(failure))) => self.end(id, store_failed(failure)),
            Poll::Pending if goes => self.go(),
            Poll::Pending => return Poll::Pending,
        }
        self.next_control()
    }

    /// The client stopped the stream of subscription `id`.
    pub(crate) fn stopped(&mut self, id: u64) {
        self.subscriptions.remove(id);
    }

    /// The stream of subscription `id` takes more.
    pub(crate) fn unblock(&self, id: u64) {
        self.subscriptions.look_at(id);
    }

    /// Every stream takes more.
    pub(crate) fn unblock_all(&self) {
        self.subscriptions.look_at_all();
    }

    fn handle(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Hello(hello) => self.greet(hello.token),
            _ if !self.greeted => {
                let error = ApiError::new(ErrorCode::InvalidBody, "the first frame is `hello`");
                self.refuse(error, codes::MALFORMED);
            }
            ClientFrame::Auth(auth) => self.authorize(auth),
            ClientFrame::Subscribe(subscribe) => self.subscribe(subscribe),
            ClientFrame::Unsubscribe(unsubscribe) => self.unsubscribe(unsubscribe.id),
            ClientFrame::Append(append) => self.append(append),
            ClientFrame::Ack { id, seq } => self.acknowledge(id, seq),
            ClientFrame::Ping { n } => {
                let pulse = self.pulse(Some(n));
                self.send(&GatewayFrame::Pong(pulse));
            }
            ClientFrame::Pong => {}
        }
    }

    fn greet(&mut self, token: Option<String>) {
        if self.greeted {
            let error = ApiError::new(ErrorCode::InvalidBody, "`hello` is the first frame only");
            return self.refuse(error, codes::MALFORMED);
        }
        if let Some(token) = token
            && let Err(error) = self.trust(&token)
        {
            let expired = self.app.gateway.access().has_expired(&token);
            let code = if expired { codes::EXPIRED } else { codes::REFUSED };
            return self.refuse(error.at("token"), code);
        }
        self.greeted = true;
        self.timers.greeted();
        let welcome = Welcome {
            connection: self.name.clone(),
            protocol: version::DEFAULT,
            now: self.app.gateway.now(),
            expires_at: self.credentials.expires_at(),
            ping_ms: PING_INTERVAL_MS,
            silence_ms: DUPLEX_SILENCE_MS,
            subscriptions: DUPLEX_SUBSCRIPTIONS_MAX,
            frame_bytes: DUPLEX_FRAME_MAX_BYTES,
        };
        self.send(&GatewayFrame::Welcome(welcome));
    }

    fn acknowledge(&mut self, id: u64, seq: u64) {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        match subscription.acknowledge(seq) {
            Ok(()) => self.subscriptions.look_at(id),
            Err(overrun) => {
                let error = ApiError::new(ErrorCode::InvalidCursor, overrun.to_string());
                self.refuse(error.at("seq"), codes::OVERRUN);
            }
        }
    }

    /// Puts a request under way.
    pub(super) fn begin(&mut self, id: u64, request: Request) {
        self.begun += 1;
        let number = self.begun;
        let Request { opens, bytes, done } = request;
        self.pending.insert(id, Pending { number, opens });
        self.held += bytes;
        self.requests.push(Box::pin(async move { (Begun { number, bytes }, done.await) }));
    }

    fn finish(&mut self, number: u64, done: Done) {
        let id = done.id;
        if let Some(session) = &done.appended_to {
            self.order.leave(session, id);
        }
        // A subscription that was ended before it was open has its answer.
        if self.pending.get(&id).is_none_or(|pending| pending.number != number) {
            return;
        }
        self.pending.remove(&id);
        let mut acked = Acked { id, ..Acked::default() };
        match done.outcome {
            Err(error) => return self.send_error(Some(id), error),
            Ok(Outcome::Appended { seq, pending_version }) => {
                (acked.seq, acked.pending_version) = (Some(seq), pending_version);
            }
            Ok(Outcome::Opened(opened)) => {
                let state = &opened.reading.state;
                acked.from = Some(opened.reading.follower.cursor());
                (acked.tail, acked.epoch) = (Some(state.tail), Some(state.epoch));
                acked.settled = opened.settled;
                self.subscriptions.insert(Subscription::new(*opened, number));
                self.watch_expiry();
            }
            Ok(Outcome::Authorized { expires_at, looked_at }) => {
                acked.expires_at = expires_at;
                looked_at.into_iter().for_each(|one| self.take_over(number, expires_at, one));
                self.watch_expiry();
            }
        }
        self.send(&GatewayFrame::Ack(acked));
    }

    /// A subscription goes on by the credential of the request `number`, or ends.
    fn take_over(&mut self, number: u64, expires_at: Option<u64>, looked_at: LookedAt) {
        let LookedAt { id, opened_by, goes_on } = looked_at;
        let open = self.subscriptions.get_mut(id);
        let Some(open) = open.filter(|open| open.is_meant(opened_by, number)) else { return };
        match goes_on {
            Some(token) => open.go_on(number, expires_at, token),
            None => {
                let text = "the new credential does not reach this session";
                self.end(id, ApiError::new(ErrorCode::Unauthorized, text).at("token"));
            }
        }
    }

    /// The subscription ends.
    pub(super) fn end(&mut self, id: u64, error: ApiError) {
        if self.subscriptions.remove(id) {
            self.control.push_back(Out::Ended { id });
            self.send_error(Some(id), error);
        }
    }

    /// A subscription ends because its client wants it to.
    pub(super) fn ended(&mut self, id: u64) {
        self.control.push_back(Out::Ended { id });
    }

    pub(super) fn send(&mut self, frame: &GatewayFrame) {
        self.control.push_back(Out::Control(frame.to_json()));
    }

    pub(super) fn send_error(&mut self, id: Option<u64>, error: ApiError) {
        self.send(&GatewayFrame::Error(ErrorFrame::new(id, error)));
    }

    /// The connection can't go on.
    pub(super) fn refuse(&mut self, error: ApiError, code: u16) {
        let reason = error.message.clone();
        self.send_error(None, error);
        self.closing = Some((code, reason));
    }
}

fn store_failed(failure: StoreError) -> ApiError {
    tidegate_core::error::store(failure)
}

fn pieces(id: u64, piece: Piece) -> [Bytes; 3] {
    match piece {
        Piece::Records(records) => [batch_head(id), records, Bytes::from_static(BATCH_END)],
        Piece::Gap { from, to, reason } => {
            let gap = GatewayFrame::Gap(Gap { id, from, to, reason });
            [gap.to_json().into(), Bytes::new(), Bytes::new()]
        }
    }
}
