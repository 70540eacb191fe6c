//! What the streams of one connection know of its session. There is at most one.

use std::sync::Arc;

use h3::webtransport::SessionId;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) use super::control::Incoming;

/// See the module.
#[derive(Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    /// There is a session, or one is being set up.
    session: Option<SessionId>,
    /// The first stream of the client, which may come before the session stands.
    first: Option<(SessionId, Box<Incoming>)>,
    had_first: bool,
    /// The newest session that is over: a stream of it may still come.
    over: Option<SessionId>,
}

impl Hub {
    /// Makes room for the session of the request on stream `id`, unless there is another one.
    pub(crate) fn begin(self: &Arc<Self>, id: u64) -> Option<Place> {
        let id = SessionId::try_from(id).ok()?;
        let mut state = self.state.lock();
        if state.session.is_some() {
            return None;
        }
        state.session = Some(id);
        Some(Place { hub: Arc::clone(self), id })
    }

    /// Takes a stream of the client: the first one is kept, all others are refused.
    pub(crate) fn take(&self, id: SessionId, stream: Box<Incoming>) {
        let mut state = self.state.lock();
        let other = match state.session {
            Some(session) => session != id,
            None => state.over.is_some_and(|over| id <= over),
        };
        if other || std::mem::replace(&mut state.had_first, true) {
            drop(state);
            return stream.refuse();
        }
        state.first = Some((id, stream));
        drop(state);
        self.arrived.notify_one();
    }
}

/// The room of one session.
pub(crate) struct Place {
    hub: Arc<Hub>,
    id: SessionId,
}

impl Place {
    /// The first stream that the client opened.
    pub(super) async fn first(&self) -> Box<Incoming> {
        loop {
            let first = self.hub.state.lock().first.take();
            match first {
                Some((id, stream)) if id == self.id => return stream,
                Some((_, stream)) => {
                    stream.refuse();
                    self.hub.state.lock().had_first = false;
                }
                None => {}
            }
            self.hub.arrived.notified().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = State { over: Some(self.id), ..State::default() };
        let state = std::mem::replace(&mut *self.hub.state.lock(), next);
        if let Some((_, stream)) = state.first {
            stream.end();
        }
    }
}
