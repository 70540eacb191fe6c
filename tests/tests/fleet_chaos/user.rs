//! One user: talks, stops, reloads, closes chats and begins new ones, whatever happens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_protocol::{Record, control};
use tidegate_tests::client::{Client, Failure};
use tokio::time::{sleep, timeout};

use crate::log::{Agent, without_token, word};
use crate::report::Report;
use crate::rng::Rng;
use crate::session::Session;
use crate::shared::Topology;

/// The chats of all users, those that are over too.
pub(crate) type Chats = Arc<Mutex<Vec<Session>>>;

/// By user: what was read of the chat that runs, also for others.
pub(crate) type Seen = Arc<Mutex<BTreeMap<usize, Log>>>;

/// A log that grows.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) name: String,
    pub(crate) agent: Agent,
    pub(crate) records: Arc<Mutex<Vec<Record>>>,
}

/// See the module.
pub(crate) struct User {
    rng: Rng,
    session: Session,
    seen: Seen,
    /// How many chats there were.
    chats: usize,
}

impl User {
    pub(crate) fn new(
        client: Client,
        topology: Topology,
        number: usize,
        seed: u64,
        report: &Arc<Report>,
        seen: &Seen,
    ) -> Self {
        let agent = [Agent::Demo, Agent::Turns, Agent::Runs][number % 3];
        let name = format!("{}-{number}-0", agent.id());
        let session = Session::new(client, topology, &name, agent, number, report);
        let rng = Rng::new(seed.wrapping_add(number as u64 * 104_729));
        Self { rng, session, seen: Arc::clone(seen), chats: 1 }
    }

    /// Talks until `over`; answers the last chat, which is not closed.
    pub(crate) async fn live(mut self, over: Arc<AtomicBool>, ended: Chats) -> Session {
        self.begin().await;
        while !over.load(Ordering::Relaxed) {
            match self.rng.below(24) {
                // The workers that keep the loop themselves neither stop nor close.
                0 if self.session.agent != Agent::Runs => {
                    self.close().await;
                    let next = self.next();
                    let old = std::mem::replace(&mut self.session, next);
                    ended.lock().expect("nobody panics with it").push(old);
                    self.begin().await;
                }
                1..4 if self.session.agent != Agent::Runs => self.stop().await,
                4..7 => self.reload().await,
                _ => self.talk().await,
            }
            sleep(Duration::from_millis(self.rng.below(100))).await;
        }
        self.talk().await;
        self.session
    }

    /// A read that says nothing for so long is made again.
    fn silence(&mut self) -> Duration {
        Duration::from_millis(2_000 + self.rng.below(4_000))
    }

    /// The first turn is alone, since a read without a cursor starts at the latest turn.
    async fn begin(&mut self) {
        let session = &self.session;
        let (name, records) = (session.name.clone(), Arc::clone(&session.log));
        let log = Log { name, agent: session.agent, records };
        self.seen.lock().expect("nobody panics with it").insert(session.user, log);
        session.create().await;
        self.session.say(3, 0).await;
        let silence = self.silence();
        self.session.read_answer(silence).await;
    }

    async fn talk(&mut self) {
        for _ in 0..1 + self.rng.below(3) {
            self.session.say(3 + self.rng.below(30), self.rng.below(25)).await;
        }
        let silence = self.silence();
        self.session.read_answer(silence).await;
    }

    /// Stops a long answer, before its first word or after it.
    async fn stop(&mut self) {
        let words = |session: &Session| {
            let log = session.log.lock().expect("nobody panics with it");
            log.iter().filter(|record| word(record).is_some()).count()
        };
        let before = words(&self.session);
        let asked = self.session.say(400, 10).await;
        if self.rng.below(2) == 0 {
            let silence = self.silence();
            let started = |session: &Session| words(session) > before || session.is_covered(asked);
            let reading = self.session.read_until(silence, started);
            // A failover may have taken the message; then there is nothing to wait for.
            let _ = timeout(Duration::from_secs(8), reading).await;
        }
        self.session.stop().await;
        let silence = self.silence();
        self.session.read_answer(silence).await;
    }

    /// Reads again from anywhere: it is what was read before (I1).
    async fn reload(&mut self) {
        let log = self.session.log.lock().expect("nobody panics with it").clone();
        if log.is_empty() || self.session.topology.may_lose() {
            return;
        }
        let at = self.rng.below(log.len() as u64) as usize;
        let rest = &log[at + 1..];
        let path = self.session.path("out");
        let read = async {
            let mut reader = self.session.client.follow(&path, Some(log[at].seq_num)).await?;
            let mut read = Vec::new();
            while read.len() < rest.len() {
                match reader.next().await? {
                    Some(records) => read.extend(records),
                    None => return Err(Failure::from("the stream has ended")),
                }
            }
            Ok(read)
        };
        let Ok(Ok(read)) = timeout(Duration::from_secs(5), read).await else { return };
        for (ours, theirs) in rest.iter().zip(&read) {
            let name = &self.session.name;
            assert_eq!(without_token(ours), without_token(theirs), "{name}: the log has changed");
        }
        self.session.report.count("reloads at random cursors", 1);
    }

    /// What was said before the close is answered, and then it is closed, visibly.
    async fn close(&mut self) {
        self.session.say(3 + self.rng.below(10), 5).await;
        self.session.close().await;
        let silence = self.silence();
        let is_closed = |session: &Session| {
            let log = session.log.lock().expect("nobody panics with it");
            log.iter().rev().take(3).any(|r| control::kind(r) == Some(control::SESSION_CLOSED))
        };
        let reading = self.session.read_until(silence, is_closed);
        let closed = timeout(Duration::from_secs(60), reading).await;
        let lossy = self.session.topology.may_lose();
        if closed.is_err() && !lossy {
            panic!("never closed: {}", self.session.story().await);
        }
    }

    fn next(&mut self) -> Session {
        let old = &self.session;
        let name = format!("{}-{}-{}", old.agent.id(), old.user, self.chats);
        self.chats += 1;
        let (client, topology) = (old.client.clone(), old.topology);
        Session::new(client, topology, &name, old.agent, old.user, &old.report)
    }
}
