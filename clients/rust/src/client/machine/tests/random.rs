//! Anything may happen at any time; then the network is good, and everything arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::duplex::{Append, GatewayFrame};
use tidegate_protocol::record::Record;

use super::gateway::{Gateway, Line};
use crate::client::error::Error;
use crate::client::event::{Event, Transport};
use crate::client::machine::{Action, ConnId, Duplex, Feed, Key, SharedFeed, SubSpec};
use crate::client::place::Place;

const SESSIONS: [&str; 3] = ["a", "b", "c"];
const WINDOW: u64 = 400;

struct Drive {
    rng: u64,
    now: Duration,
    machine: Duplex,
    gateway: Gateway,
    feeds: Vec<SharedFeed>,
    taken: Vec<Vec<Record>>,
    dialing: BTreeSet<ConnId>,
    asked_tokens: Vec<String>,
    appends: BTreeMap<Key, (String, String)>,
    done: BTreeMap<String, u64>,
    /// Those that may not be read otherwise.
    forced: BTreeSet<Key>,
    next_key: Key,
}

impl Drive {
    fn new(seed: u64) -> Self {
        let mut drive = Self {
            rng: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            now: Duration::ZERO,
            machine: Duplex::new(None, seed + 1),
            gateway: Gateway::default(),
            feeds: SESSIONS.map(|_| Arc::new(Mutex::new(Feed::new(Start::Floor, 1)))).into(),
            taken: vec![Vec::new(); SESSIONS.len()],
            dialing: BTreeSet::new(),
            asked_tokens: Vec::new(),
            appends: BTreeMap::new(),
            done: BTreeMap::new(),
            forced: BTreeSet::new(),
            next_key: 100,
        };
        (0..SESSIONS.len()).for_each(|session| drive.follow(session));
        drive
    }

    fn follow(&mut self, session: usize) {
        let start = self.taken[session].last().map_or(Start::Floor, |r| Start::after(r.seq_num));
        let feed = Arc::new(Mutex::new(Feed::new(start, WINDOW)));
        self.feeds[session] = feed.clone();
        self.next_key += 1;
        let auto = session != 0;
        if !auto {
            self.forced.insert(self.next_key);
        }
        let session = SESSIONS[session].to_owned();
        let spec = SubSpec { session, place: Place::default(), auto, feed };
        self.machine.subscribe(self.next_key, spec, self.now);
    }

    fn below(&mut self, n: u64) -> u64 {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        self.rng % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let n = from.len() as u64;
        (n > 0).then(|| from[usize::try_from(self.below(n)).expect("small")])
    }

    fn act(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Dial(id) => {
                    self.dialing.insert(id);
                }
                Action::Send(id, text) => {
                    if let Some(line) = self.gateway.lines.get_mut(&id) {
                        line.up.push_back(text);
                    }
                }
                Action::Close(id) => {
                    self.gateway.lines.remove(&id);
                    self.dialing.remove(&id);
                }
                Action::Token { session, .. } => self.asked_tokens.push(session),
                Action::Opened(_) => {}
                Action::FallBack(key) => assert!(!self.forced.contains(&key)),
                Action::Appended(key, outcome) => self.appended(key, outcome),
            }
        }
    }

    fn appended(&mut self, key: Key, outcome: Result<u64, Error>) {
        let (session, part) = self.appends.remove(&key).expect("each outcome is known once");
        match outcome {
            Ok(seq) => {
                let known = self.done.insert(part.clone(), seq);
                assert_eq!(known, None);
                let log = &self.gateway.inputs[&session];
                assert_eq!(log[usize::try_from(seq).expect("small")], part);
            }
            Err(_) => self.append(&session, &part),
        }
    }

    fn append(&mut self, session: &str, part: &str) {
        self.next_key += 1;
        let frame = Append {
            id: 0,
            session: session.to_owned(),
            channel: None,
            side: None,
            part: Some(part.to_owned()),
            body: part.to_owned(),
        };
        self.appends.insert(self.next_key, (session.to_owned(), part.to_owned()));
        self.machine.append(self.next_key, frame, self.now);
    }

    fn dialed(&mut self, id: ConnId) {
        self.dialing.remove(&id);
        self.gateway.lines.insert(id, Line::default());
        self.machine.handle_dialed(id, self.now);
    }

    fn token(&mut self, session: &str) {
        let n = self.below(3);
        let token = format!("{session}-{n}");
        let good = self.gateway.tokens.get(session).cloned().unwrap_or(token);
        self.machine.handle_token(session, Ok(good), self.now);
    }

    fn bring(&mut self, id: ConnId) {
        let line = self.gateway.lines.get_mut(&id);
        if let Some(text) = line.and_then(|line| line.down.pop_front()) {
            let frame = GatewayFrame::parse(&text).expect("a frame");
            self.machine.handle_frame(id, frame, self.now);
        }
    }

    fn take(&mut self, session: usize, most: usize) {
        let cx = Context::from_waker(Waker::noop());
        for _ in 0..most {
            let event = self.feeds[session].lock().poll_next(&cx);
            match event {
                Poll::Ready(Some(Ok(Event::Record(record)))) => self.taken[session].push(record),
                Poll::Ready(Some(Ok(Event::Transport(_)))) => {}
                // Two tokens in a row were refused: the application goes on with its cursor.
                Poll::Ready(Some(Err(error))) if error.wants_token() => self.follow(session),
                Poll::Ready(other) => panic!("{other:?}"),
                Poll::Pending => return,
            }
        }
    }

    /// Another transport, somewhere in the log at or before the cursor.
    fn read_beside(&mut self, session: usize) {
        let feed = self.feeds[session].clone();
        let mut feed = feed.lock();
        let next = feed.next_seq().unwrap_or(0);
        let back = self.below(4);
        let from = next.saturating_sub(back);
        let log = self.gateway.logs.get(SESSIONS[session]).cloned().unwrap_or_default();
        let from = usize::try_from(from).expect("small").min(log.len());
        let most = usize::try_from(self.below(6)).expect("small");
        if feed.queued() < WINDOW {
            feed.handle_opened(Transport::Sse, None);
            feed.handle_records(log[from..].iter().take(most).cloned().collect());
        }
    }

    fn step(&mut self) {
        let lines: Vec<ConnId> = self.gateway.lines.keys().copied().collect();
        let line = self.pick(&lines);
        let session = usize::try_from(self.below(3)).expect("small");
        match (self.below(24), line) {
            (0 | 1, _) => {
                let count = self.below(5);
                self.gateway.write(SESSIONS[session], count);
            }
            (2, Some(id)) if self.below(4) == 0 => {
                self.gateway.lines.remove(&id);
                self.machine.handle_closed(id, None, "cut", self.now);
            }
            (3, Some(id)) if self.below(8) == 0 => {
                let reconnect_ms = self.below(300);
                let line = self.gateway.lines.get_mut(&id).expect("open");
                line.say(&GatewayFrame::Goaway { reconnect_ms });
            }
            (4, _) if self.below(4) == 0 => {
                let n = self.below(3);
                let token = format!("{}-{n}", SESSIONS[session]);
                self.gateway.tokens.insert(SESSIONS[session].to_owned(), token);
            }
            (5, _) => {
                let part = format!("{}-{}", SESSIONS[session], self.next_key);
                self.append(SESSIONS[session], &part);
            }
            (6, _) => self.read_beside(session),
            (7..=9, _) => {
                let most = usize::try_from(self.below(8)).expect("small");
                self.take(session, most);
                self.machine.handle_time(self.now);
            }
            (10..=12, Some(id)) => {
                let most = usize::try_from(self.below(4)).expect("small");
                self.gateway.deliver(id, most);
            }
            (13, _) => self.settle_dials(),
            (14, _) => {
                if let Some(session) = self.asked_tokens.pop() {
                    self.token(&session);
                }
            }
            (15, _) => {
                let later = self.below(400);
                self.now += Duration::from_millis(later);
                self.machine.handle_time(self.now);
            }
            (16..=19, Some(id)) => self.gateway.hear(id),
            (_, Some(id)) => self.bring(id),
            (_, None) => self.settle_dials(),
        }
        self.act();
        for feed in &self.feeds {
            let queued = feed.lock().queued();
            assert!(queued < WINDOW * 4, "{queued} bytes wait");
        }
    }

    fn settle_dials(&mut self) {
        let dialing: Vec<ConnId> = self.dialing.iter().copied().collect();
        for id in dialing {
            if self.below(4) == 0 {
                self.dialing.remove(&id);
                let error = Error::unreachable("refused");
                self.machine.handle_dial_failed(id, error, false, self.now);
            } else {
                self.dialed(id);
            }
        }
    }

    /// No more faults.
    fn finish(&mut self) {
        for _ in 0..4_000 {
            let dialing: Vec<ConnId> = self.dialing.iter().copied().collect();
            dialing.into_iter().for_each(|id| self.dialed(id));
            while let Some(session) = self.asked_tokens.pop() {
                self.token(&session);
            }
            let lines: Vec<ConnId> = self.gateway.lines.keys().copied().collect();
            for id in lines {
                (0..30).for_each(|_| self.gateway.hear(id));
                self.gateway.deliver(id, 5);
                (0..30).for_each(|_| self.bring(id));
            }
            (0..3).for_each(|session| self.take(session, 100));
            if let Some(at) = self.machine.next_time() {
                self.now = self.now.max(at);
            }
            self.machine.handle_time(self.now);
            self.act();
            if self.is_exact() && self.appends.is_empty() && self.gateway.lines.len() == 1 {
                return;
            }
        }
        panic!("it never came to rest");
    }

    fn is_exact(&self) -> bool {
        let mut pairs = self.taken.iter().zip(SESSIONS);
        pairs.all(|(taken, session)| {
            self.gateway.logs.get(session).map_or(0, Vec::len) == taken.len()
        })
    }
}

#[test]
fn the_log_is_delivered_exactly() {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = seed.map_or_else(|| (0..400).collect(), |seed| vec![seed]);
    for seed in seeds {
        println!("TIDEGATE_SEED={seed}");
        let mut drive = Drive::new(seed);
        drive.act();
        (0..600).for_each(|_| drive.step());
        drive.finish();
        for (taken, session) in drive.taken.iter().zip(SESSIONS) {
            assert_eq!(Some(taken), drive.gateway.logs.get(session).or(Some(&Vec::new())));
        }
        let inputs: usize = drive.gateway.inputs.values().map(Vec::len).sum();
        assert_eq!(inputs, drive.done.len(), "each input once");
    }
}
