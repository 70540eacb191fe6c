//! A subscription's transports: which there are, and how one takes over from another. The new one
//! stands before the old one is left.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::http::follow;
use super::machine::{Key, SharedFeed, SubSpec};
use super::mode::Mode;
use super::session::Session;

/// See the module. Dropping it ends them all.
pub(crate) struct Follower {
    session: Session,
    feed: SharedFeed,
    state: Mutex<State>,
}

struct State {
    mode: Mode,
    sse: Option<AbortHandle>,
    sse_open: bool,
    /// On the duplex binding; the newest last, those before it are being left.
    keys: Vec<Key>,
}

impl State {
    fn is_begun(&self) -> bool {
        self.sse.is_some() || !self.keys.is_empty()
    }
}

impl Follower {
    pub(crate) fn new(session: Session, mode: Mode, feed: SharedFeed) -> Arc<Self> {
        let state = State { mode, sse: None, sse_open: false, keys: Vec::new() };
        Arc::new(Self { session, feed, state: Mutex::new(state) })
    }

    /// Reads over the transport of `mode` from now on.
    pub(crate) fn go(self: &Arc<Self>, mode: Mode) {
        {
            let mut state = self.state.lock();
            if state.mode == mode && state.is_begun() {
                return;
            }
            state.mode = mode;
        }
        if mode == Mode::Sse {
            self.read();
            return self.handle_read_opened(false);
        }
        let spec = SubSpec {
            session: self.session.name.clone(),
            place: self.session.place.clone(),
            auto: mode == Mode::Auto,
            feed: Arc::clone(&self.feed),
        };
        let known = |key| self.state.lock().keys.push(key);
        self.session.shared.hub().subscribe(spec, Arc::downgrade(self), known);
    }

    /// The duplex binding has a path for `key`.
    pub(crate) fn handle_opened(&self, key: Key) {
        let mut state = self.state.lock();
        if state.mode == Mode::Sse || state.keys.last() != Some(&key) {
            return;
        }
        let left: Vec<Key> = state.keys.drain(..).filter(|old| *old != key).collect();
        state.keys.push(key);
        state.sse_open = false;
        if let Some(sse) = state.sse.take() {
            sse.abort();
        }
        drop(state);
        left.into_iter().for_each(|key| self.session.shared.hub().unsubscribe(key));
    }

    /// It has none for now.
    pub(crate) fn handle_fall_back(self: &Arc<Self>) {
        self.read();
    }

    /// An application took something.
    pub(crate) fn handle_taken(&self) {
        if let Some(hub) = self.session.shared.hub.get() {
            hub.handle_taken();
        }
    }

    fn read(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.sse.is_some() {
            return;
        }
        let this: Weak<Self> = Arc::downgrade(self);
        let opened = move || {
            if let Some(this) = this.upgrade() {
                this.handle_read_opened(true);
            }
        };
        let reading = follow(self.session.clone(), Arc::clone(&self.feed), opened);
        state.sse = Some(tokio::spawn(reading).abort_handle());
    }

    /// Leaves the duplex binding, if the read stands and is what is wanted.
    fn handle_read_opened(&self, is_open: bool) {
        let mut state = self.state.lock();
        state.sse_open |= is_open;
        if !state.sse_open || state.mode != Mode::Sse {
            return;
        }
        let left = std::mem::take(&mut state.keys);
        drop(state);
        left.into_iter().for_each(|key| self.session.shared.hub().unsubscribe(key));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if let Some(sse) = state.sse.take() {
            sse.abort();
        }
        for key in std::mem::take(&mut state.keys) {
            self.session.shared.hub().unsubscribe(key);
        }
    }
}
