//! Memory in Redis is bounded by what lives: a day of traffic, simulated. The store's clock and the
//! lives of keys go on together, a step at a time; between steps nothing passes.

mod chat;
mod look;

use std::collections::HashSet;
use std::sync::Arc;

use chat::{Chat, End, Gateway};
use futures_util::future::join_all;
use look::Look;
use tidegate_core::seams::StreamStore as _;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{ListQuery, Retention};
use tidegate_protocol::ids::SessionKey;
use tidegate_store::contract::fixture::{ManualClock, START};
use tidegate_store::contract::random::Random;
use tidegate_store::redis::connect::RedisUrl;
use tidegate_store::servers::{Config, Redis};
use tidegate_store::{RedisFleet, RedisStore, StoreTime};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const STEP_MS: u64 = 5 * MINUTE_MS;
/// The rules at a smaller scale, so that a day sees each of them at work.
const RULES: Retention =
    Retention { ttl_ms: 2 * HOUR_MS, records: 1_000, bytes: 128 * 1024, closed_ttl_ms: HOUR_MS };
const PAGE: usize = 64;

/// A day with chats.
#[derive(Debug)]
struct Day {
    server: Redis,
    gateway: Gateway,
    clock: Arc<ManualClock>,
    now: u64,
    random: Random,
    live: Vec<Chat>,
    made: u64,
    /// Sessions that no sweep has deleted yet.
    alive: HashSet<String>,
}

impl Day {
    async fn begin(seed: u64) -> Self {
        let server = Redis::start(Config::new());
        let clock = ManualClock::at(START);
        let url = RedisUrl::parse(&server.url()).expect("a URL");
        let (time, node) = (StoreTime::Clock(clock.clone()), "node".to_owned());
        let store = RedisStore::open(url, time, Arc::new(SystemClock), RULES, node).await;
        let store = Arc::new(store.expect("a store"));
        let fleet = RedisFleet::join(&store).await.expect("a fleet");
        let gateway = Gateway { store, fleet };
        let (live, alive, random) = (Vec::new(), HashSet::new(), Random::new(seed));
        Self { server, gateway, clock, now: START, random, live, made: 0, alive }
    }

    /// Time passes, for the store and for the keys.
    fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.clock.set(self.now);
        let age = include_str!("age.lua");
        self.server.ask::<()>(&["EVAL", age, "0", &ms.to_string()]).expect("aged");
    }

    async fn arrive(&mut self, turns: u64, steps: u64, end: End) {
        self.made += 1;
        let (name, seed) = (format!("chat-{}", self.made), self.random.bits());
        let mut chat = Chat::new(name, seed, self.now, turns, steps, end);
        // Long enough for its turns, unless nobody is to close it.
        let lives = if end == End::Closed { 2 * DAY_MS } else { turns * STEP_MS + HOUR_MS };
        chat.open(&self.gateway, self.now + lives).await;
        self.alive.insert(chat.name.clone());
        self.live.push(chat);
    }

    /// Whoever has something to say says it; who is done goes.
    async fn talk(&mut self) {
        let gateway = &self.gateway;
        join_all(self.live.iter_mut().map(|chat| chat.turn(gateway))).await;
        let (done, live) = self.live.drain(..).partition(|chat| chat.turns_left == 0);
        self.live = live;
        for mut chat in done {
            chat.finish(&self.gateway, self.now).await;
            if chat.end == End::Deleted {
                self.alive.remove(&chat.name);
            }
        }
    }

    /// What a gateway does every minute.
    async fn sweep(&mut self) -> u64 {
        let store = &self.gateway.store;
        loop {
            let page = store.sweep_expired(self.now, PAGE).await.expect("a page");
            let mut deleted = 0;
            for session in &page {
                let row = store.session(session).await.expect("a row or none");
                let over = row.as_ref().and_then(|row| row.closed_at.or(row.expires_at));
                if over.is_none_or(|at| at + RULES.closed_ttl_ms <= self.now) {
                    store.delete(session).await.expect("deleted");
                    self.alive.remove(session.name());
                    deleted += 1;
                }
            }
            if deleted == 0 || page.len() < PAGE {
                break;
            }
        }
        store.enforce_retention(self.now).await.expect("enforced")
    }
}

/// A long run has more chats, and looks more often.
#[tokio::test]
async fn a_day_of_traffic_leaves_nothing_behind() {
    let is_long = std::env::var_os("TIDEGATE_LONG").is_some();
    let (a_step, looks) = if is_long { (20, 12) } else { (1, 36) };
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("TIDEGATE_SEED={seed}");
    let mut day = Day::begin(seed).await;
    // One goes on all day.
    let steps = DAY_MS / STEP_MS;
    day.arrive(steps, 16, End::Closed).await;
    let (mut dropped, mut most, mut most_bytes) = (0, 0, 0);
    for step in 0..steps {
        for _ in 0..a_step {
            let turns = 1 + day.random.below(8);
            let ends = [End::Closed, End::Expired, End::Abandoned, End::Deleted];
            let end = ends[day.random.below(4) as usize];
            day.arrive(turns, 4, end).await;
        }
        day.talk().await;
        dropped += day.sweep().await;
        if step % looks == looks - 1 {
            let look = Look::at(&day.server);
            look.check(&RULES, &day.alive);
            most = most.max(look.sessions.len());
            let bytes = |name: &String| look.bytes(name);
            most_bytes = most_bytes.max(look.sessions.keys().map(bytes).max().unwrap_or(0));
        }
        day.pass(STEP_MS);
    }
    println!("{} chats, {dropped} records dropped by retention", day.made);
    println!("most at once: {most} sessions with a key, {most_bytes} bytes of one");
    print_kinds(&Look::at(&day.server), &day.alive);
    assert!(dropped > 0, "retention had nothing to do");
    end(&mut day).await;
}

/// Everybody leaves; then the deleted are forgotten too.
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn end(day: &mut Day) {
    while !day.alive.is_empty() {
        day.talk().await;
        day.sweep().await;
        day.pass(STEP_MS);
        assert!(day.now < START + 3 * DAY_MS, "still there: {:?}", day.alive);
    }
    let look = Look::at(&day.server);
    look.check(&RULES, &day.alive);
    assert_eq!(look.index_bytes, 0, "{:?}", look.indexed);
    let heads = look.sessions.len() as u64;
    let bytes: u64 = look.sessions.keys().map(|name| look.bytes(name)).sum();
    println!("deleted and not forgotten: {heads} sessions, {} bytes each", bytes / heads.max(1));
    day.pass(RULES.ttl_ms + RULES.closed_ttl_ms + DAY_MS);
    let look = Look::at(&day.server);
    assert!(look.sessions.is_empty() && look.indexed.is_empty(), "{look:?}");
}

/// Bytes of those that are there, by kind of key.
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn print_kinds(look: &Look, alive: &HashSet<String>) {
    let mut kinds = std::collections::BTreeMap::<&str, (u64, u64)>::new();
    let there = look.sessions.iter().filter(|(name, _)| alive.contains(*name));
    for key in there.clone().flat_map(|(_, keys)| keys) {
        let (count, bytes) = kinds.entry(&key.kind).or_default();
        (*count, *bytes) = (*count + 1, *bytes + key.bytes);
    }
    let sessions = there.count() as u64;
    let bytes: u64 = kinds.values().map(|(_, bytes)| bytes).sum();
    println!("{sessions} sessions: {} bytes each,", bytes / sessions.max(1));
    println!("and {} of indexes", look.index_bytes / sessions.max(1));
    for (kind, (count, bytes)) in kinds {
        println!("  {kind}: {count} keys, {} bytes each", bytes / count);
    }
}

#[tokio::test]
async fn what_nobody_sweeps_goes_by_itself() {
    let mut day = Day::begin(1).await;
    for end in [End::Closed, End::Expired, End::Abandoned] {
        for _ in 0..8 {
            day.arrive(1, 2, end).await;
        }
    }
    day.talk().await;
    let before = Look::at(&day.server);
    before.check(&RULES, &day.alive);
    assert_eq!(before.sessions.len(), 24);
    // No gateway runs for as long as a key lives.
    day.pass(RULES.ttl_ms + RULES.closed_ttl_ms + DAY_MS);
    let after = Look::at(&day.server);
    assert!(after.sessions.is_empty(), "{after:?}");
    assert!(!after.indexed.is_empty(), "sweeps have nothing to do");
    // One that comes back finds what the indexes still say.
    day.sweep().await;
    let query = ListQuery { environment: "dev".to_owned(), size: 100, ..ListQuery::default() };
    let page = day.gateway.store.list(query).await.expect("a page");
    assert!(page.rows.is_empty(), "{page:?}");
    let last = Look::at(&day.server);
    assert!(last.sessions.is_empty() && last.indexed.is_empty(), "{last:?}");
    let again = SessionKey::new("dev", "chat-1");
    assert_eq!(day.gateway.store.session(&again).await, Ok(None));
}

#[tokio::test]
async fn the_check_can_fail() {
    let mut day = Day::begin(1).await;
    day.arrive(2, 2, End::Closed).await;
    day.talk().await;
    let planted: [&[&str]; 5] = [
        &["SET", "tg:other", "x"],
        &["SET", "tg:{dev:00}:z:ghost", "x", "PX", "60000"],
        &["HSET", "tg:{dev:00}:h:chat-0", "s", "x"],
        &["ZADD", "tg:{dev:00}:a", "1", "chat-0"],
        &["SETRANGE", "tg:{dev:00}:r:out:chat-1", "999999", "x"],
    ];
    let look = || Look::at(&day.server).check(&RULES, &day.alive);
    let check = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(look));
    assert!(check().is_ok());
    for command in planted {
        day.server.ask::<()>(command).expect("planted");
        assert!(check().is_err(), "{command:?}");
        day.server.ask::<()>(&["DEL", command[1]]).expect("gone");
    }
    assert!(check().is_ok());
}
