//! The duplex binding, as sessions use it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_protocol::duplex::Append;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::dial::Dialer;
use super::drive::drive;
use crate::client::error::Error;
use crate::client::follower::Follower;
use crate::client::machine::{Duplex, Key, SubSpec};
use crate::client::tokens::Tokens;

/// See the module. Dropping it ends its connections.
pub(crate) struct Hub {
    state: Arc<State>,
    task: AbortHandle,
}

/// What the driver and the sessions share.
pub(super) struct State {
    pub(super) machine: Mutex<Duplex>,
    /// The machine was told something, or an application took something.
    pub(super) nudge: Notify,
    pub(super) followers: Mutex<HashMap<Key, Weak<Follower>>>,
    pub(super) waiting: Mutex<HashMap<Key, oneshot::Sender<Result<u64, Error>>>>,
    last_key: Mutex<Key>,
    began: Instant,
}

impl Hub {
    pub(crate) fn start(dialer: Arc<Dialer>, tokens: Arc<Tokens>) -> Self {
        let token = tokens.fixed().map(str::to_owned);
        let entropy = getrandom::u64().unwrap_or(1);
        let state = Arc::new(State {
            machine: Mutex::new(Duplex::new(token, entropy)),
            nudge: Notify::new(),
            followers: Mutex::default(),
            waiting: Mutex::default(),
            last_key: Mutex::new(0),
            began: Instant::now(),
        });
        let task = tokio::spawn(drive(Arc::clone(&state), dialer, tokens)).abort_handle();
        Self { state, task }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.state.machine.lock().is_up()
    }

    /// Follows a stream; `follower` hears when it has a path, and when it has none. Its key is
    /// known before it hears anything.
    pub(crate) fn subscribe(
        &self,
        spec: SubSpec,
        follower: Weak<Follower>,
        known: impl FnOnce(Key),
    ) {
        let key = self.state.key();
        self.state.followers.lock().insert(key, follower);
        known(key);
        self.state.machine.lock().subscribe(key, spec, self.state.now());
        self.state.nudge.notify_one();
    }

    pub(crate) fn unsubscribe(&self, key: Key) {
        self.state.followers.lock().remove(&key);
        self.state.machine.lock().unsubscribe(key, self.state.now());
        self.state.nudge.notify_one();
    }

    /// One try to append. Errors that say `retry` leave open whether it was committed.
    pub(crate) async fn append(&self, frame: Append) -> Result<u64, Error> {
        let key = self.state.key();
        let (tell, outcome) = oneshot::channel();
        self.state.waiting.lock().insert(key, tell);
        let _given_up = GiveUp { state: &self.state, key };
        self.state.machine.lock().append(key, frame, self.state.now());
        self.state.nudge.notify_one();
        outcome.await.unwrap_or_else(|_| Err(Error::unreachable("the client ended")))
    }

    /// The input `seq` of the session will be answered.
    pub(crate) fn expect_answer(&self, session: &str, seq: u64) {
        self.state.machine.lock().expect_answer(session, seq);
        self.state.nudge.notify_one();
    }

    /// An application took something.
    pub(crate) fn handle_taken(&self) {
        self.state.nudge.notify_one();
    }
}

/// Takes an append back, if it was not sent, when nobody waits for it any more.
struct GiveUp<'a> {
    state: &'a State,
    key: Key,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        self.state.waiting.lock().remove(&self.key);
        self.state.machine.lock().give_up(self.key);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn at(&self, time: Duration) -> Instant {
        self.began + time
    }

    fn key(&self) -> Key {
        let mut last = self.last_key.lock();
        *last += 1;
        *last
    }
}
