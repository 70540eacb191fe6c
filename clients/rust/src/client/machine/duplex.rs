//! Everything that a client does over the duplex binding, over one connection after another. Pure:
//! see [`Action`] for what the driver does.

mod places;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tidegate_protocol::duplex::{Append, GatewayFrame, codes};

use super::action::{Action, ConnId, Key, SubSpec};
use super::conn::{Conn, Heard};
use super::credentials::Credentials;
use super::subs::{Subs, Verdict};
use crate::client::error::Error;
use crate::link::Backoff;

/// Dials that fail before other transports stand in.
const DIALS_BEFORE_FALL_BACK: u32 = 2;
/// Sessions whose tokens are held before those of others are forgotten.
const TOKENS: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Duplex {
    /// For `hello`; without it each session gets its own.
    token: Option<String>,
    /// The newest one last; those before it are being left.
    conns: Vec<Conn>,
    last_conn: ConnId,
    subs: Subs,
    appends: BTreeMap<Key, Waiting>,
    tokens: Credentials,
    backoff: Backoff,
    redial_at: Duration,
    failed_dials: u32,
    entropy: u64,
    /// The newest time that was passed in.
    now: Duration,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Waiting {
    frame: Append,
    on: Option<ConnId>,
}

impl Duplex {
    /// `token` is for all sessions; `entropy` is any number but 0.
    pub(crate) fn new(token: Option<String>, entropy: u64) -> Self {
        Self {
            token,
            conns: Vec::new(),
            last_conn: 0,
            subs: Subs::default(),
            appends: BTreeMap::new(),
            tokens: Credentials::default(),
            backoff: Backoff::default(),
            redial_at: Duration::ZERO,
            failed_dials: 0,
            entropy: entropy | 1,
            now: Duration::ZERO,
            actions: VecDeque::new(),
        }
    }

    /// Does a connection stand that was welcome?
    pub(crate) fn is_up(&self) -> bool {
        self.conns.last().is_some_and(|conn| conn.was_good)
    }

    pub(crate) fn subscribe(&mut self, key: Key, spec: SubSpec, now: Duration) {
        self.subs.insert(key, spec);
        self.pump(now);
    }

    pub(crate) fn unsubscribe(&mut self, key: Key, now: Duration) {
        self.subs.remove(key);
        self.conns.iter_mut().for_each(|conn| conn.unsubscribe(key));
        self.pump(now);
    }

    pub(crate) fn append(&mut self, key: Key, frame: Append, now: Duration) {
        self.appends.insert(key, Waiting { frame, on: None });
        self.pump(now);
    }

    /// Nobody waits for the outcome of an append: it is not sent, if it was not yet.
    pub(crate) fn give_up(&mut self, key: Key) {
        if self.appends.get(&key).is_some_and(|waiting| waiting.on.is_none()) {
            self.appends.remove(&key);
        }
    }

    /// The input `seq` of the session will be answered: until then, silence is suspicious.
    pub(crate) fn expect_answer(&self, session: &str, seq: u64) {
        let subs = self.subs.iter().filter(|(_, sub)| sub.spec.session == session);
        subs.for_each(|(_, sub)| sub.spec.feed.lock().expect_answer(seq));
    }

    pub(crate) fn handle_dialed(&mut self, conn: ConnId, now: Duration) {
        let token = self.token.clone();
        if let Some(conn) = self.conn(conn) {
            conn.handle_dialed(token, now);
        }
        self.pump(now);
    }

    /// `fatal`: another try would fare no better.
    pub(crate) fn handle_dial_failed(
        &mut self,
        conn: ConnId,
        error: Error,
        fatal: bool,
        now: Duration,
    ) {
        self.conns.retain(|held| held.id != conn);
        self.failed_dials += 1;
        self.wait_to_dial(now);
        self.fail_appends(|waiting| waiting.on.is_none(), &error);
        if fatal {
            self.fail_pathless(&error);
        }
        if fatal || self.failed_dials >= DIALS_BEFORE_FALL_BACK {
            self.fall_back(None, now);
        }
        self.pump(now);
    }

    pub(crate) fn handle_frame(&mut self, id: ConnId, frame: GatewayFrame, now: Duration) {
        let Some(conn) = self.conn(id) else { return };
        match conn.handle(frame, now) {
            Heard::Nothing => {}
            Heard::Welcomed => {
                self.failed_dials = 0;
                self.backoff.reset();
            }
            Heard::Opened(key) => {
                self.subs.handle_opened(key);
                self.actions.push_back(Action::Opened(key));
            }
            Heard::Ended(key, error) => self.ended(id, key, error, now),
            Heard::Appended(key, outcome) => {
                if outcome.as_ref().is_err_and(Error::wants_token) && self.token.is_none() {
                    self.reject_token_of(key);
                }
                self.appended(key, outcome);
            }
        }
        self.pump(now);
    }

    /// The connection is over, with the close code that there was.
    pub(crate) fn handle_closed(
        &mut self,
        id: ConnId,
        code: Option<u16>,
        why: &str,
        now: Duration,
    ) {
        let Some(at) = self.conns.iter().position(|conn| conn.id == id) else { return };
        let conn = self.conns.remove(at);
        // There is no other token than that of `hello`.
        let is_final = |code: u16| codes::is_final(code) || code == codes::EXPIRED;
        match code.filter(|code| is_final(*code)) {
            Some(code) => {
                let error = match conn.reason {
                    Some(reason) => Error { retry: false, ..reason.into() },
                    None if code == codes::EXPIRED => {
                        Error::new("unauthenticated", why.to_owned(), false)
                    }
                    None => Error::new(format!("close_{code}"), why.to_owned(), false),
                };
                self.fail_appends(|waiting| waiting.on.is_none_or(|on| on == id), &error);
                self.fail_pathless(&error);
                self.fall_back(None, now);
            }
            None => {
                let error = Error::unreachable("the connection was cut");
                self.fail_appends(|waiting| waiting.on == Some(id), &error);
                if self.failed_dials >= DIALS_BEFORE_FALL_BACK {
                    self.fall_back(None, now);
                }
            }
        }
        if !conn.was_good {
            self.failed_dials += 1;
        }
        if at == self.conns.len() {
            self.wait_to_dial(now);
        }
        self.pump(now);
    }

    /// The token of a session, or why there is none.
    pub(crate) fn handle_token(
        &mut self,
        session: &str,
        token: Result<String, Error>,
        now: Duration,
    ) {
        match token {
            Ok(token) => {
                let renew = self.conns.iter_mut().filter(|conn| conn.renews(session, &token));
                renew.for_each(|conn| conn.auth(session, &token));
                self.tokens.handle_token(session, token);
                self.forget_unused();
            }
            Err(error) => {
                let entropy = self.entropy();
                if self.tokens.handle_failed(session, entropy, now) {
                    self.subs.fail_session(session, &error);
                }
                self.fail_appends(|waiting| waiting.frame.session == session, &error);
            }
        }
        self.pump(now);
    }

    /// Time has passed, or an application took something.
    pub(crate) fn handle_time(&mut self, now: Duration) {
        let dead =
            self.conns.iter_mut().filter_map(|conn| (!conn.handle_time(now)).then_some(conn.id));
        let dead: Vec<ConnId> = dead.collect();
        for id in dead {
            self.fall_back(Some(id), now);
            self.actions.push_back(Action::Close(id));
            self.handle_closed(id, None, "silent", now);
        }
        let ending: Vec<String> =
            self.conns.iter_mut().flat_map(|conn| conn.ending_credentials(now)).collect();
        for session in ending {
            if is_used(&self.subs, &self.appends, &session) {
                self.refresh(&session);
            } else {
                self.reject_token(&session);
            }
        }
        self.pump(now);
    }

    /// When [`Duplex::handle_time`] has something to do.
    pub(crate) fn next_time(&self) -> Option<Duration> {
        let subs = self.subs.iter().map(|(_, sub)| sub.not_before);
        let tokens = self.tokens.times();
        let leave = self.conns.last().and_then(|conn| conn.leave_at);
        let ours = subs.chain(tokens).chain(leave).chain([self.redial_at]);
        // What is past was done, or waits for something else.
        let ours = ours.filter(|at| *at > self.now).min();
        self.conns.iter().filter_map(Conn::next_time).chain(ours).min()
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn conn(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.iter_mut().find(|conn| conn.id == id)
    }

    fn entropy(&mut self) -> u64 {
        self.entropy ^= self.entropy << 13;
        self.entropy ^= self.entropy >> 7;
        self.entropy ^= self.entropy << 17;
        self.entropy
    }

    fn wait_to_dial(&mut self, now: Duration) {
        let entropy = self.entropy();
        self.redial_at = now + self.backoff.next_full(entropy);
    }

    /// Others stand in for what may be read otherwise and has no path, but over `except`.
    fn fall_back(&mut self, except: Option<ConnId>, now: Duration) {
        let conns = self.conns.iter().filter(|conn| Some(conn.id) != except);
        let has_path = |key| conns.clone().any(|conn| conn.has_open(key));
        for key in self.subs.park(|key| !has_path(key), now) {
            self.conns.iter_mut().for_each(|conn| conn.unsubscribe(key));
            self.actions.push_back(Action::FallBack(key));
        }
    }

    fn fail_pathless(&mut self, error: &Error) {
        let has_path = |key| self.conns.iter().any(|conn| conn.has_open(key));
        self.subs.fail(|key| !has_path(key), error);
    }

    fn ended(&mut self, id: ConnId, key: Key, error: Error, now: Duration) {
        if self.conns.last().is_none_or(|conn| conn.id != id) {
            // It goes on over the newer one.
            return;
        }
        let Some(session) = self.subs.get(key).map(|sub| sub.spec.session.clone()) else { return };
        let (can_refresh, entropy) = (self.token.is_none(), self.entropy());
        match self.subs.handle_ended(key, error, can_refresh, entropy, now) {
            Verdict::Refresh => self.reject_token(&session),
            Verdict::FallBack => {
                self.subs.park_one(key, now);
                self.actions.push_back(Action::FallBack(key));
            }
            Verdict::Again | Verdict::Over => {}
        }
    }

    fn appended(&mut self, key: Key, outcome: Result<u64, Error>) {
        if self.appends.remove(&key).is_some() {
            self.actions.push_back(Action::Appended(key, outcome));
        }
    }

    fn fail_appends(&mut self, which: impl Fn(&Waiting) -> bool, error: &Error) {
        let keys = self.appends.iter().filter(|(_, waiting)| which(waiting));
        let keys: Vec<Key> = keys.map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.appended(key, Err(error.clone())));
    }

    fn reject_token_of(&mut self, append: Key) {
        let session = self.appends.get(&append).map(|waiting| waiting.frame.session.clone());
        session.iter().for_each(|session| self.reject_token(session));
    }

    fn forget_unused(&mut self) {
        let used = |session: &str| is_used(&self.subs, &self.appends, session);
        if self.tokens.len() > TOKENS {
            self.tokens.retain(used);
        }
        for conn in &mut self.conns {
            conn.forget_unused_credentials(used);
        }
    }

    fn reject_token(&mut self, session: &str) {
        self.conns.iter_mut().for_each(|conn| conn.forget_credential(session));
        self.tokens.reject(session);
    }

    fn refresh(&mut self, session: &str) {
        let action = self.tokens.refresh(session, self.now);
        self.actions.extend(action);
    }

    /// Does whatever can be done now.
    fn pump(&mut self, now: Duration) {
        self.now = now;
        self.dial(now);
        self.request(now);
        self.leave();
        for conn in &mut self.conns {
            let id = conn.id;
            let texts = conn.take_out().into_iter();
            self.actions.extend(texts.map(|text| Action::Send(id, text)));
        }
    }
}

fn is_used(subs: &Subs, appends: &BTreeMap<Key, Waiting>, session: &str) -> bool {
    subs.iter().any(|(_, sub)| sub.spec.session == session)
        || appends.values().any(|waiting| waiting.frame.session == session)
}
