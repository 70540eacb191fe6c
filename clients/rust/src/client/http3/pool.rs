//! The connections of a client: dialled when they are wanted, left when they end.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::ALT_SVC;
use http::{HeaderMap, Request, Response};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::dials::{Dials, Next};
use super::line::{Driver, Failed, Line};
use super::offer::Offer;
use crate::client::error::Error;
use crate::client::http::Body;
use crate::net::Quic;

/// How long a connection may take to stand.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long who would rather have HTTP/3 waits for it.
const HEAD_START: Duration = Duration::from_millis(500);
/// Connections on which a request is tried, if none takes it up.
const TRIES: u32 = 3;

/// See the module.
#[derive(Clone)]
pub(crate) struct Http3 {
    pool: Arc<Pool>,
}

/// How much HTTP/3 is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Nothing else.
    Only,
    /// If it is offered and soon there.
    Rather,
    /// If it is there.
    IfThere,
}

struct Pool {
    quic: Arc<Quic>,
    state: Mutex<State>,
    /// The state has changed.
    changed: Notify,
    began: Instant,
}

#[derive(Default)]
struct State {
    lines: Vec<Arc<Line>>,
    dials: Dials,
    offer: Offer,
    failure: Option<Error>,
}

impl Http3 {
    pub(crate) fn new(quic: Quic) -> Self {
        let (quic, state) = (Arc::new(quic), Mutex::default());
        let (changed, began) = (Notify::new(), Instant::now());
        Self { pool: Arc::new(Pool { quic, state, changed, began }) }
    }

    /// The head of an answer over TCP.
    pub(crate) fn handle_answer(&self, headers: &HeaderMap) {
        let values = headers.get_all(ALT_SVC).into_iter();
        for value in values.filter_map(|value| value.to_str().ok()) {
            let (port, now) = (self.pool.quic.target().port, self.pool.now());
            self.pool.state.lock().offer.handle(value, port, now);
        }
    }

    /// The beginning of the answer; `None` if the request was not sent and may go over TCP. Who
    /// wants HTTP/3 only gets an error instead.
    pub(crate) async fn send(
        &self,
        request: &Request<Bytes>,
        want: Want,
    ) -> Result<Option<Response<Body>>, Error> {
        let mut last = None;
        for _ in 0..TRIES {
            let Some(line) = self.line(want).await? else { return Ok(None) };
            let which = Arc::downgrade(&line);
            match line.send(request.clone()).await {
                Ok(response) => {
                    self.pool.state.lock().dials.handle_answered();
                    return Ok(Some(response));
                }
                Err(Failed::Unknown(error)) => return Err(error),
                Err(Failed::Unsent(error)) => {
                    debug!(%error, "a connection takes no more requests");
                    self.pool.handle_ended(&which);
                    last = Some(error);
                }
            }
        }
        match last {
            Some(error) if want == Want::Only => Err(error),
            _ => Ok(None),
        }
    }

    async fn line(&self, want: Want) -> Result<Option<Arc<Line>>, Error> {
        match want {
            Want::Only => self.pool.line().await.map(Some),
            Want::IfThere => Ok(self.pool.state.lock().line()),
            Want::Rather => {
                let now = self.pool.now();
                if !self.pool.state.lock().offer.is_good(now) {
                    return Ok(None);
                }
                // A dial that takes longer goes on, for the next one.
                let soon = timeout(HEAD_START, self.pool.line()).await;
                Ok(soon.ok().and_then(Result::ok))
            }
        }
    }
}

impl Pool {
    /// A connection with room. The error: a dial has failed meanwhile.
    async fn line(self: &Arc<Self>) -> Result<Arc<Line>, Error> {
        let failures = self.state.lock().dials.failures();
        loop {
            let changed = self.changed.notified();
            let next = {
                let mut state = self.state.lock();
                if let Some(line) = state.line() {
                    return Ok(line);
                }
                if let Some(error) = &state.failure
                    && state.dials.failures() != failures
                {
                    return Err(error.clone());
                }
                state.dials.next(self.now())
            };
            match next {
                Next::Wait => changed.await,
                Next::WaitUntil(time) => {
                    tokio::select! {
                        () = changed => {}
                        () = sleep_until(self.began + time) => {}
                    }
                }
                Next::Dial => {
                    tokio::spawn(dial(Arc::clone(&self.quic), Arc::downgrade(self)));
                    changed.await;
                }
            }
        }
    }

    fn handle_dialed(self: &Arc<Self>, dialed: Result<(Arc<Line>, Driver), Error>) {
        let mut state = self.state.lock();
        match dialed {
            Ok((line, driver)) => {
                tokio::spawn(drive(driver, Arc::downgrade(&line), Arc::downgrade(self)));
                state.dials.handle_dialed();
                state.lines.push(line);
            }
            Err(error) => {
                debug!(%error, "no HTTP/3");
                state.dials.handle_failed(getrandom::u64().unwrap_or_default(), self.now());
                state.failure = Some(error);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn handle_ended(&self, line: &Weak<Line>) {
        let mut state = self.state.lock();
        let mut held = state.lines.iter();
        let Some(at) = held.position(|held| Arc::as_ptr(held) == line.as_ptr()) else { return };
        if !state.lines.remove(at).was_good() {
            state.dials.handle_useless(getrandom::u64().unwrap_or_default(), self.now());
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

impl State {
    /// The oldest one with room, so that there are few.
    fn line(&self) -> Option<Arc<Line>> {
        self.lines.iter().find(|line| line.has_room()).cloned()
    }
}

async fn dial(quic: Arc<Quic>, pool: Weak<Pool>) {
    let dialed = timeout(DIAL_TIMEOUT, Line::dial(&quic)).await;
    let late = || Err(Error::unreachable("the gateway did not answer over QUIC in time"));
    let dialed = dialed.unwrap_or_else(|_| late());
    if let Some(pool) = pool.upgrade() {
        pool.handle_dialed(dialed);
    }
}

async fn drive(mut driver: Driver, line: Weak<Line>, pool: Weak<Pool>) {
    let end = poll_fn(|cx| driver.poll_close(cx)).await;
    debug!(%end, "an HTTP/3 connection ended");
    if let Some(pool) = pool.upgrade() {
        pool.handle_ended(&line);
    }
}
