//! Several gateways on one server: who is there, who serves what, and what they say.

use std::sync::{Arc, mpsc};

use bytes::Bytes;
use parking_lot::Mutex;
use tidegate_core::seams::Fleet;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::fleet::{Claim, FleetListener};
use tidegate_core::seams::store::{Commit, CommitError, Fate, Op, Retention, StoreError};
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_store::contract::fixture::{append, key, owe};
use tidegate_store::servers::{Cluster, Config, Redis, until};
use tidegate_store::{Opened, open_shared};

/// What a listener heard, in words.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn has(&self, what: &str) -> bool {
        self.0.lock().iter().any(|heard| heard == what)
    }

    /// What was heard of one gateway.
    fn of(&self, node: &str) -> Vec<String> {
        let heard = self.0.lock();
        let of = |what: &&String| what.split(' ').nth(1) == Some(node);
        heard.iter().filter(of).cloned().collect()
    }
}

impl FleetListener for Heard {
    fn seen(&self, node: &str, roster: &Bytes) {
        self.0.lock().push(format!("seen {node} {}", String::from_utf8_lossy(roster)));
    }

    fn gone(&self, node: &str) {
        self.0.lock().push(format!("gone {node}"));
    }

    fn received(&self, from: &str, message: &Bytes) {
        self.0.lock().push(format!("from {from} {}", String::from_utf8_lossy(message)));
    }
}

/// A gateway, as far as its store goes.
struct Gateway {
    opened: Opened,
    heard: Arc<Heard>,
}

impl Gateway {
    async fn open(url: &str, node: &str) -> Self {
        let clock = Arc::new(SystemClock);
        let opened = open_shared(url, clock, Retention::default(), node.to_owned()).await;
        let opened = opened.expect("a store");
        let heard = Arc::new(Heard::default());
        opened.fleet.as_ref().expect("a fleet").set_listener(heard.clone());
        Self { opened, heard }
    }

    fn fleet(&self) -> &dyn Fleet {
        &**self.opened.fleet.as_ref().expect("a fleet")
    }

    async fn claim(&self, session: &SessionKey) -> Claim {
        self.fleet().claim(session).await.expect("an answer")
    }

    /// Claims what is or gets free; gives the term.
    async fn take(&self, session: &SessionKey) -> u64 {
        match self.claim(session).await {
            Claim::Mine { term } => term,
            Claim::Theirs { node } => panic!("{session:?} is served by {node}"),
        }
    }

    async fn commit(&self, session: &SessionKey, ops: Vec<Op>) -> Result<(), CommitError> {
        let commit = Commit { session: session.clone(), ops };
        self.opened.store.commit(commit).await.map(drop)
    }
}

fn theirs(node: &str) -> Claim {
    Claim::Theirs { node: node.to_owned() }
}

fn session(name: &str) -> SessionKey {
    SessionKey::new("dev", name)
}

/// A commit that counts only under this term.
fn under(term: u64) -> Vec<Op> {
    vec![Op::ExpectTerm { term }, append(&Channel::OUT, &["x"])]
}

async fn claims_are_exclusive(url: &str) {
    let (a, b) = (Gateway::open(url, "a").await, Gateway::open(url, "b").await);
    let first = a.take(&key()).await;
    assert_eq!(a.take(&key()).await, first);
    assert_eq!(b.claim(&key()).await, theirs("a"));
    assert!(!matches!(b.commit(&key(), under(first)).await, Ok(())), "it is the other's term");
    a.commit(&key(), under(first)).await.expect("its own term");
    assert!(b.fleet().give_up(&key(), first, false).await.expect("an answer"), "it has it not");
    assert_eq!(b.claim(&key()).await, theirs("a"));
    assert!(a.fleet().give_up(&key(), first, false).await.expect("an answer"));
    let second = b.take(&key()).await;
    assert!(second > first);
    assert!(a.fleet().give_up(&key(), first, false).await.expect("an answer"), "an old term");
    assert_eq!(a.claim(&key()).await, theirs("b"));
    let refused = a.commit(&key(), under(first)).await;
    assert!(matches!(refused, Err(CommitError::Displaced { current }) if current == second));
}

#[tokio::test]
async fn claims_are_exclusive_and_displace() {
    claims_are_exclusive(&Redis::start(Config::new()).url()).await;
}

#[tokio::test]
async fn claims_are_exclusive_in_a_cluster() {
    let cluster = Cluster::start(Config::new(), false).await;
    claims_are_exclusive(&cluster.url()).await;
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_claim() {
    let server = Redis::start(Config::new());
    let mut gateways = Vec::new();
    for node in ["a", "b", "c"] {
        gateways.push(Gateway::open(&server.url(), node).await);
    }
    for i in 0..50 {
        let session = session(&format!("s{i}"));
        let (a, b, c) = tokio::join!(
            gateways[0].claim(&session),
            gateways[1].claim(&session),
            gateways[2].claim(&session),
        );
        let mine = [&a, &b, &c].into_iter().filter(|claim| matches!(claim, Claim::Mine { .. }));
        assert_eq!(mine.count(), 1, "{a:?} {b:?} {c:?}");
    }
}

#[tokio::test]
async fn what_owes_something_is_not_given_up() {
    let server = Redis::start(Config::new());
    let a = Gateway::open(&server.url(), "a").await;
    let term = a.take(&key()).await;
    a.commit(&key(), vec![owe(&["input"])]).await.expect("an input");
    assert!(!a.fleet().give_up(&key(), term, true).await.expect("an answer"));
    a.commit(&key(), under(term)).await.expect("the claim stands");
    let settled = Op::Settle(vec![(0, Fate::Answered { turn: 1 })]);
    a.commit(&key(), vec![settled]).await.expect("settled");
    assert!(a.fleet().give_up(&key(), term, true).await.expect("an answer"));
    assert!(a.take(&key()).await > term);
}

#[tokio::test]
async fn the_claims_of_a_dead_one_are_free() {
    let server = Redis::start(Config::new());
    let (a, b) = (Gateway::open(&server.url(), "a").await, Gateway::open(&server.url(), "b").await);
    let mut sessions: Vec<_> = (0..40).map(|i| session(&format!("s{i}"))).collect();
    sessions.push(SessionKey::new("prod", "other"));
    let mut terms = Vec::new();
    for session in &sessions {
        terms.push(a.take(session).await);
    }
    let other = session("of b");
    b.take(&other).await;
    let mut claimed = b.fleet().claimed_by("a").await.expect("an answer");
    claimed.sort();
    sessions.sort();
    assert_eq!(claimed, sessions);
    // Nothing is said: its tasks and connections just end.
    drop(a);
    until("a is gone", || b.heard.has("gone a")).await;
    for (session, term) in sessions.iter().zip(&terms) {
        assert!(b.take(session).await > *term);
    }
    assert_eq!(b.fleet().claimed_by("a").await.expect("an answer"), []);
    sessions.push(other);
    sessions.sort();
    let mut claimed = b.fleet().claimed_by("b").await.expect("an answer");
    claimed.sort();
    assert_eq!(claimed, sessions);
}

/// A gateway in a thread of its own, which stands still from its claim on until it is told to go
/// on: its connections stay open, as those of a process that is stopped do.
fn stalls(url: String, says: mpsc::SyncSender<u64>, goes_on: mpsc::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let z = Gateway::open(&url, "z").await;
        let term = z.take(&key()).await;
        z.fleet().announce(Bytes::from_static(b"here"));
        until("b is seen", || z.heard.has("seen b ")).await;
        says.send(term).expect("heard");
        goes_on.recv().expect("it goes on");
        let refused = z.commit(&key(), under(term)).await;
        assert!(matches!(refused, Err(CommitError::Displaced { .. })), "{refused:?}");
        assert_eq!(z.claim(&key()).await, theirs("b"));
        until("a message", || z.heard.has("from b welcome")).await;
    });
}

#[tokio::test]
async fn one_that_stood_still_is_displaced_and_comes_back() {
    let server = Redis::start(Config::new());
    let (b, c, d) = (
        Gateway::open(&server.url(), "b").await,
        Gateway::open(&server.url(), "c").await,
        Gateway::open(&server.url(), "d").await,
    );
    until("d is seen", || b.heard.has("seen d ")).await;
    drop(d);
    until("d is gone", || b.heard.has("gone d")).await;
    let (says, term) = mpsc::sync_channel(1);
    let (go_on, goes_on) = mpsc::sync_channel(1);
    let url = server.url();
    let z = std::thread::spawn(move || stalls(url, says, goes_on));
    let mut old = None;
    until("z stands still", || {
        old = old.or(term.try_recv().ok());
        old.is_some()
    })
    .await;
    // One whose connections end is found dead sooner than one that only says nothing.
    drop(c);
    until("z is gone", || b.heard.has("gone z")).await;
    let mut gone = b.heard.0.lock().clone();
    gone.retain(|what| what.starts_with("gone"));
    assert_eq!(gone, ["gone d", "gone c", "gone z"]);
    assert!(Some(b.take(&key()).await) > old);
    go_on.send(()).expect("heard");
    let is_back = || b.heard.of("z").last().is_some_and(|last| last == "seen z here");
    until("z is back", is_back).await;
    b.fleet().send("z", Bytes::from_static(b"welcome")).await.expect("it is there");
    until("z has ended", || z.is_finished()).await;
    z.join().expect("no failure");
}

#[tokio::test]
async fn rosters_and_messages_arrive_in_order() {
    let server = Redis::start(Config::new());
    let a = Gateway::open(&server.url(), "a").await;
    a.fleet().announce(Bytes::from_static(b"one"));
    let b = Gateway::open(&server.url(), "b").await;
    until("the roster of before", || b.heard.has("seen a one")).await;
    a.fleet().announce(Bytes::from_static(b"two"));
    until("the new roster", || b.heard.has("seen a two")).await;
    until("the other is seen", || a.heard.has("seen b ")).await;
    for i in 0..20 {
        a.fleet().send("b", i.to_string().into()).await.expect("it is there");
    }
    until("all messages", || b.heard.has("from a 19")).await;
    let mut messages = b.heard.of("a");
    messages.retain(|what| what.starts_with("from"));
    assert_eq!(messages, (0..20).map(|i| format!("from a {i}")).collect::<Vec<_>>());
    let refused = a.fleet().send("nobody", Bytes::new()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn whoever_closes_leaves() {
    let server = Redis::start(Config::new());
    let (a, b) = (Gateway::open(&server.url(), "a").await, Gateway::open(&server.url(), "b").await);
    let term = a.take(&key()).await;
    until("a is seen", || b.heard.has("seen a ")).await;
    a.opened.store.close().await.expect("closed");
    let members: Vec<String> = server.ask(&["HKEYS", "tg:{fleet}:members"]).expect("members");
    assert_eq!(members, ["b"], "it is gone at once");
    assert!(b.fleet().send("a", Bytes::new()).await.is_err() || b.heard.has("gone a"));
    until("a is gone", || b.heard.has("gone a")).await;
    assert!(b.take(&key()).await > term);
    assert!(matches!(a.fleet().claim(&key()).await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn one_that_said_that_it_is_deaf_is_waited_for() {
    let server = Redis::start(Config::new());
    let _a = Gateway::open(&server.url(), "a").await;
    let key = "tg:{fleet}:members";
    let others = |script: &str| server.ask::<Vec<String>>(&["EVAL", script, "1", key]);
    // Both are silent for a little, and nobody listens for either.
    let silent = "local t = redis.call('TIME'); local at = t[1] * 1000 - 500;
        local at = string.format('%.0f', at + math.floor(t[2] / 1000));
        redis.call('HSET', KEYS[1], 'deaf', at .. ' 1 0', 'dead', at .. ' 1 1'); return {}";
    let is_there = |name| server.ask::<bool>(&["HEXISTS", key, name]).expect("an answer");
    // Both are gone if it is looked too late: then once more.
    loop {
        others(silent).expect("written");
        until("the one is gone", || !is_there("dead")).await;
        if is_there("deaf") {
            break;
        }
    }
}

#[tokio::test]
async fn the_sweep_leaves_out_what_another_serves() {
    let server = Redis::start(Config::new());
    let (a, b) = (Gateway::open(&server.url(), "a").await, Gateway::open(&server.url(), "b").await);
    let input = || vec![owe(&["input"])];
    let (served, free) = (session("served"), session("free"));
    for session in [&served, &free] {
        a.commit(session, input()).await.expect("an input");
    }
    a.take(&served).await;
    until("a is seen", || b.heard.has("seen a ")).await;
    let both = [free.clone(), served.clone()];
    assert_eq!(b.opened.store.sweep_owed(None, 9).await.expect("a sweep"), [free]);
    assert_eq!(a.opened.store.sweep_owed(None, 9).await.expect("a sweep"), both);
    drop(a);
    until("a is gone", || b.heard.has("gone a")).await;
    assert_eq!(b.opened.store.sweep_owed(None, 9).await.expect("a sweep"), both);
}

#[tokio::test]
async fn deletion_displaces_and_leaves_no_claim() {
    let server = Redis::start(Config::new());
    let a = Gateway::open(&server.url(), "a").await;
    let term = a.take(&key()).await;
    a.commit(&key(), under(term)).await.expect("its own term");
    a.opened.store.delete(&key()).await.expect("deleted");
    let refused = a.commit(&key(), under(term)).await;
    assert!(matches!(refused, Err(CommitError::Displaced { .. })), "{refused:?}");
    assert_eq!(a.fleet().claimed_by("a").await.expect("an answer"), []);
}

#[tokio::test]
async fn a_server_that_was_away_makes_nobody_gone() {
    let mut server = Redis::start(Config::new());
    let (a, b) = (Gateway::open(&server.url(), "a").await, Gateway::open(&server.url(), "b").await);
    a.fleet().announce(Bytes::from_static(b"one"));
    until("a is seen", || b.heard.has("seen a one")).await;
    until("b is seen", || a.heard.has("seen b ")).await;
    // It has no files: it forgets everything, also who is there.
    server.restart();
    until("both are there", || {
        let members: Vec<String> = server.ask(&["HKEYS", "tg:{fleet}:members"]).unwrap_or_default();
        members.len() == 2
    })
    .await;
    until("a can be reached again", || {
        let rosters: Vec<String> = server.ask(&["HVALS", "tg:{fleet}:rosters"]).unwrap_or_default();
        rosters.contains(&"one".to_owned())
    })
    .await;
    assert!(!a.heard.has("gone b") && !b.heard.has("gone a"));
}

#[tokio::test]
async fn a_server_that_stood_still_makes_nobody_gone() {
    let server = Redis::start(Config::new());
    let (a, b, c) = (
        Gateway::open(&server.url(), "a").await,
        Gateway::open(&server.url(), "b").await,
        Gateway::open(&server.url(), "c").await,
    );
    until("c is seen", || a.heard.has("seen c ") && b.heard.has("seen c ")).await;
    drop(c);
    // Both are in the state to judge others.
    until("c is gone", || a.heard.has("gone c") && b.heard.has("gone c")).await;
    server.pause();
    // Beats pile up at the server meanwhile.
    for _ in 0..2 {
        let asked = a.opened.store.owed(&key()).await;
        assert!(matches!(asked, Err(StoreError::Unavailable(_))), "{asked:?}");
    }
    server.resume();
    a.fleet().announce(Bytes::from_static(b"after"));
    b.fleet().announce(Bytes::from_static(b"after"));
    until("both speak", || b.heard.has("seen a after") && a.heard.has("seen b after")).await;
    assert!(!a.heard.has("gone b") && !b.heard.has("gone a"));
}

#[tokio::test]
async fn a_claim_that_the_server_lost_counts_for_one_only() {
    let server = Redis::start(Config::new());
    let (a, b) = (Gateway::open(&server.url(), "a").await, Gateway::open(&server.url(), "b").await);
    let lost = a.take(&key()).await;
    server.ask::<()>(&["FLUSHALL"]).expect("flushed");
    assert_eq!(b.take(&key()).await, lost, "the server does not know the term any more");
    let refused = a.commit(&key(), under(lost)).await;
    assert!(matches!(refused, Err(CommitError::Displaced { .. })), "{refused:?}");
    b.commit(&key(), under(lost)).await.expect("its claim");
    assert_eq!(a.claim(&key()).await, theirs("b"));
}
