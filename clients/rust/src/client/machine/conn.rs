//! One connection of the duplex binding: ids, answers, acknowledgements, signs of life. Frames that
//! it wants to send are collected.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tidegate_protocol::cursor::Start;
use tidegate_protocol::duplex::{
    Acked, Append, Auth, ClientFrame, ErrorFrame, GatewayFrame, Hello, Subscribe, Unsubscribe,
    Welcome,
};
use tidegate_protocol::limits::DUPLEX_SUBSCRIPTIONS_MAX;

use super::action::{ConnId, Key, SubSpec};
use super::pulse::{Beat, Pulse};
use super::route::Route;
use crate::client::error::Error;
use crate::client::event::Transport;

/// See the module.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    /// Does the socket stand?
    pub(crate) is_open: bool,
    /// Did the gateway welcome the client?
    pub(crate) was_good: bool,
    /// The gateway goes away: when to open another one.
    pub(crate) leave_at: Option<Duration>,
    /// What the gateway said before it closed.
    pub(crate) reason: Option<ErrorFrame>,
    last_id: u64,
    asked: BTreeMap<u64, Asked>,
    routes: BTreeMap<u64, Route>,
    keys: BTreeMap<Key, u64>,
    credentials: BTreeMap<String, Credential>,
    /// Unix ms of the gateway, and when it said so.
    clock: Option<(u64, Duration)>,
    pulse: Pulse,
    out: Vec<ClientFrame>,
}

#[derive(Debug)]
enum Asked {
    Auth(String),
    Subscribe { has_cursor: bool },
    Append(Key),
    Unsubscribe,
}

#[derive(Debug)]
struct Credential {
    token: String,
    refresh_at: Option<Duration>,
}

/// What a frame says that concerns more than this connection.
#[derive(Debug)]
pub(crate) enum Heard {
    Nothing,
    Welcomed,
    Opened(Key),
    /// A subscription was refused, or has ended.
    Ended(Key, Error),
    Appended(Key, Result<u64, Error>),
}

impl Conn {
    pub(crate) fn new(id: ConnId) -> Self {
        Self {
            id,
            is_open: false,
            was_good: false,
            leave_at: None,
            reason: None,
            last_id: 0,
            asked: BTreeMap::new(),
            routes: BTreeMap::new(),
            keys: BTreeMap::new(),
            credentials: BTreeMap::new(),
            clock: None,
            pulse: Pulse::new(Duration::ZERO),
            out: Vec::new(),
        }
    }

    /// The socket stands (R-DPX-4).
    pub(crate) fn handle_dialed(&mut self, token: Option<String>, now: Duration) {
        self.is_open = true;
        self.pulse = Pulse::new(now);
        self.out.push(ClientFrame::Hello(Hello { token }));
    }

    pub(crate) fn handle(&mut self, frame: GatewayFrame, now: Duration) -> Heard {
        self.pulse.handle_heard(now);
        match frame {
            GatewayFrame::Welcome(welcome) => return self.welcome(&welcome, now),
            GatewayFrame::Ack(acked) => return self.answered(&acked, now),
            GatewayFrame::Error(error) => return self.refused(error),
            GatewayFrame::Batch { id, records } => {
                if let Some(route) = self.routes.get_mut(&id) {
                    route.handle_records(records);
                }
            }
            GatewayFrame::Gap(gap) => {
                if let Some(route) = self.routes.get(&gap.id) {
                    route.feed.lock().handle_gap(gap.from, gap.to, gap.reason);
                }
            }
            GatewayFrame::Ping(_) => self.out.push(ClientFrame::Pong),
            GatewayFrame::Goaway { reconnect_ms } => {
                self.leave_at = Some(now + Duration::from_millis(reconnect_ms));
            }
            GatewayFrame::Pong(_) | GatewayFrame::Stream { .. } | GatewayFrame::Unknown(_) => {}
        }
        Heard::Nothing
    }

    /// Is `token` what this connection has for `session`?
    pub(crate) fn has_credential(&self, session: &str, token: &str) -> bool {
        self.credentials.get(session).is_some_and(|held| held.token == token)
    }

    /// Has it another token for `session`?
    pub(crate) fn renews(&self, session: &str, token: &str) -> bool {
        self.credentials.get(session).is_some_and(|held| held.token != token)
    }

    pub(crate) fn auth(&mut self, session: &str, token: &str) {
        let credential = Credential { token: token.to_owned(), refresh_at: None };
        self.credentials.insert(session.to_owned(), credential);
        let id = self.ask(Asked::Auth(session.to_owned()));
        let (session, token) = (Some(session.to_owned()), token.to_owned());
        self.out.push(ClientFrame::Auth(Auth { id, session, token }));
    }

    /// The session's credential is not worth anything.
    pub(crate) fn forget_credential(&mut self, session: &str) {
        self.credentials.remove(session);
    }

    /// Forgets those of other sessions, when there are more than the gateway holds (R-DPX-8).
    pub(crate) fn forget_unused_credentials(&mut self, used: impl Fn(&str) -> bool) {
        if self.credentials.len() > DUPLEX_SUBSCRIPTIONS_MAX {
            self.credentials.retain(|session, _| used(session));
        }
    }

    /// Sessions whose credential ends soon, each told once.
    pub(crate) fn ending_credentials(&mut self, now: Duration) -> Vec<String> {
        let due = |held: &Credential| held.refresh_at.is_some_and(|at| at <= now);
        let ending = self.credentials.iter_mut().filter(|(_, held)| due(held));
        ending
            .map(|(session, held)| {
                held.refresh_at = None;
                session.clone()
            })
            .collect()
    }

    pub(crate) fn subscribe(&mut self, key: Key, spec: &SubSpec) {
        let (start, window) = {
            let feed = spec.feed.lock();
            (feed.start(), feed.window())
        };
        let id = self.ask(Asked::Subscribe { has_cursor: matches!(start, Start::From(_)) });
        self.routes.insert(id, Route::new(key, spec.feed.clone()));
        self.keys.insert(key, id);
        self.out.push(ClientFrame::Subscribe(Subscribe {
            id,
            session: spec.session.clone(),
            channel: spec.place.channel_name(),
            side: spec.place.side.clone(),
            after: match start {
                Start::From(seq) => seq.checked_sub(1),
                Start::Floor | Start::Tail => None,
            },
            from: (start == Start::From(0)).then_some(0),
            start: (start == Start::Tail).then(|| "latest".to_owned()),
            window: Some(window),
            peek: false,
        }));
    }

    pub(crate) fn unsubscribe(&mut self, key: Key) {
        let Some(id) = self.keys.remove(&key) else { return };
        if self.routes.remove(&id).is_some_and(|route| route.open) {
            self.end(id);
        }
    }

    pub(crate) fn append(&mut self, key: Key, frame: &Append) {
        let mut frame = frame.clone();
        frame.id = self.ask(Asked::Append(key));
        self.out.push(ClientFrame::Append(frame));
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.keys.contains_key(&key)
    }

    pub(crate) fn has_open(&self, key: Key) -> bool {
        let id = self.keys.get(&key);
        id.and_then(|id| self.routes.get(id)).is_some_and(|route| route.open)
    }

    /// Appends that have no answer yet.
    pub(crate) fn appends(&self) -> BTreeSet<Key> {
        let keys = self.asked.values().filter_map(|asked| match asked {
            Asked::Append(key) => Some(*key),
            _ => None,
        });
        keys.collect()
    }

    /// Acknowledgements and pings that are due; false if the connection is dead.
    pub(crate) fn handle_time(&mut self, now: Duration) -> bool {
        if !self.is_open {
            return true;
        }
        for (id, route) in &mut self.routes {
            if let Some(seq) = route.ack(now) {
                self.out.push(ClientFrame::Ack { id: *id, seq });
            }
        }
        match self.pulse.beat(self.expects(), now) {
            Beat::Nothing => true,
            Beat::Ping(n) => {
                self.out.push(ClientFrame::Ping { n });
                true
            }
            Beat::Dead => false,
        }
    }

    /// When [`Conn::handle_time`] has something to do.
    pub(crate) fn next_time(&self) -> Option<Duration> {
        if !self.is_open {
            return None;
        }
        let acks = self.routes.values().filter_map(Route::ack_at);
        let refreshes = self.credentials.values().filter_map(|held| held.refresh_at);
        acks.chain(refreshes).chain([self.pulse.next(self.expects())]).min()
    }

    /// Texts of the frames to send.
    pub(crate) fn take_out(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out).iter().map(ClientFrame::to_json).collect()
    }

    fn expects(&self) -> bool {
        !self.was_good || !self.asked.is_empty() || self.routes.values().any(Route::in_turn)
    }

    fn ask(&mut self, asked: Asked) -> u64 {
        self.last_id += 1;
        self.asked.insert(self.last_id, asked);
        self.last_id
    }

    fn end(&mut self, id: u64) {
        self.asked.insert(id, Asked::Unsubscribe);
        self.out.push(ClientFrame::Unsubscribe(Unsubscribe { id }));
    }

    fn welcome(&mut self, welcome: &Welcome, now: Duration) -> Heard {
        self.was_good = true;
        self.clock = Some((welcome.now, now));
        self.pulse.adopt(welcome.ping_ms);
        Heard::Welcomed
    }

    fn answered(&mut self, acked: &Acked, now: Duration) -> Heard {
        match self.asked.remove(&acked.id) {
            Some(Asked::Auth(session)) => {
                let refresh_at = acked.expires_at.and_then(|at| self.refresh_at(at, now));
                if let Some(held) = self.credentials.get_mut(&session) {
                    held.refresh_at = refresh_at;
                }
                Heard::Nothing
            }
            Some(Asked::Subscribe { has_cursor }) => {
                let Some(route) = self.routes.get_mut(&acked.id) else {
                    // It was given up before it was open.
                    self.end(acked.id);
                    return Heard::Nothing;
                };
                route.open = true;
                let from = acked.from.filter(|_| !has_cursor);
                route.feed.lock().handle_opened(Transport::WebSocket, from);
                Heard::Opened(route.key)
            }
            Some(Asked::Append(key)) => {
                let seq = acked.seq.ok_or_else(|| Error::invalid("an append without a seq"));
                Heard::Appended(key, seq)
            }
            Some(Asked::Unsubscribe) | None => Heard::Nothing,
        }
    }

    fn refused(&mut self, error: ErrorFrame) -> Heard {
        let Some(id) = error.id else {
            self.reason = Some(error);
            return Heard::Nothing;
        };
        match self.asked.remove(&id) {
            Some(Asked::Append(key)) => return Heard::Appended(key, Err(error.into())),
            Some(Asked::Auth(session)) => {
                // What is asked with it is refused as well, and decides.
                self.credentials.remove(&session);
                return Heard::Nothing;
            }
            Some(Asked::Subscribe { .. } | Asked::Unsubscribe) | None => {}
        }
        let Some(route) = self.routes.remove(&id) else { return Heard::Nothing };
        self.keys.remove(&route.key);
        Heard::Ended(route.key, error.into())
    }

    /// When four fifths of what is left of a credential are over.
    fn refresh_at(&self, expires_at: u64, now: Duration) -> Option<Duration> {
        let (unix, at) = self.clock?;
        let left = Duration::from_millis(expires_at.saturating_sub(unix));
        Some(now.max(at + left * 4 / 5))
    }
}
