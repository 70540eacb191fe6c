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
    /// Over SSE.
    read: Option<Read>,
    /// The one before it, which is being left.
    old_read: Option<AbortHandle>,
    reads: u64,
    /// On the duplex binding; the newest last, those before it are being left.
    keys: Vec<Key>,
}

struct Read {
    id: u64,
    /// Over which HTTP.
    over: Mode,
    task: AbortHandle,
    is_open: bool,
}

impl State {
    fn is_begun(&self) -> bool {
        self.read.is_some() || !self.keys.is_empty()
    }

    fn end_reads(&mut self) {
        let read = self.read.take().map(|read| read.task);
        for task in [read, self.old_read.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

impl Follower {
    pub(crate) fn new(session: Session, mode: Mode, feed: SharedFeed) -> Arc<Self> {
        let state = State { mode, read: None, old_read: None, reads: 0, keys: Vec::new() };
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
        if mode.is_read() {
            self.read(mode);
            return self.leave_duplex();
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
        if state.mode.is_read() || state.keys.last() != Some(&key) {
            return;
        }
        let left: Vec<Key> = state.keys.drain(..).filter(|old| *old != key).collect();
        state.keys.push(key);
        state.end_reads();
        drop(state);
        left.into_iter().for_each(|key| self.session.shared.hub().unsubscribe(key));
    }

    /// It has none for now.
    pub(crate) fn handle_fall_back(self: &Arc<Self>) {
        self.read(Mode::Auto);
    }

    /// An application took something.
    pub(crate) fn handle_taken(&self) {
        if let Some(hub) = self.session.shared.hub.get() {
            hub.handle_taken();
        }
    }

    fn read(self: &Arc<Self>, over: Mode) {
        let mut state = self.state.lock();
        if state.read.as_ref().is_some_and(|read| read.over == over) {
            return;
        }
        state.reads += 1;
        let id = state.reads;
        let this: Weak<Self> = Arc::downgrade(self);
        let opened = move || {
            if let Some(this) = this.upgrade() {
                this.handle_read_opened(id);
            }
        };
        let reading = follow(self.session.clone(), Arc::clone(&self.feed), over, opened);
        let task = tokio::spawn(reading).abort_handle();
        let given_up = match state.read.replace(Read { id, over, task, is_open: false }) {
            Some(old) if old.is_open => state.old_read.replace(old.task),
            Some(old) => Some(old.task),
            None => None,
        };
        if let Some(task) = given_up {
            task.abort();
        }
    }

    fn handle_read_opened(&self, id: u64) {
        let mut state = self.state.lock();
        let Some(read) = state.read.as_mut().filter(|read| read.id == id) else { return };
        read.is_open = true;
        if let Some(old) = state.old_read.take() {
            old.abort();
        }
        drop(state);
        self.leave_duplex();
    }

    /// If a read stands and is what is wanted.
    fn leave_duplex(&self) {
        let mut state = self.state.lock();
        if !state.mode.is_read() || !state.read.as_ref().is_some_and(|read| read.is_open) {
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
        state.end_reads();
        for key in std::mem::take(&mut state.keys) {
            self.session.shared.hub().unsubscribe(key);
        }
    }
}
