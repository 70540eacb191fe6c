//! All gateways are replaced, one after the other, while users talk and read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_protocol::Record;
use tidegate_tests::client::{Client, Failure};
use tokio::time::{sleep, timeout};

use crate::log::Agent;
use crate::losses;
use crate::report::Report;
use crate::rng::{Rng, seed};
use crate::session::{PATIENCE, Session};
use crate::shared::Topology;
use crate::world::{NODES, World};

const USERS: usize = 12;

/// Reads `.out` on one connection for as long as it lasts, and then on the next.
struct Follower {
    client: Client,
    path: String,
    log: Arc<Mutex<Vec<Record>>>,
    /// Connections that ended.
    ends: usize,
    /// Of them, those that did not end as a drain ends them.
    cuts: usize,
    /// Connections that were refused.
    refused: usize,
}

impl Follower {
    fn of(session: &Session) -> Self {
        let (client, path) = (session.client.clone(), session.path("out"));
        let (ends, cuts, refused) = Default::default();
        Self { client, path, log: Arc::clone(&session.log), ends, cuts, refused }
    }

    async fn follow(mut self, over: Arc<AtomicBool>) -> Self {
        let log = Arc::clone(&self.log);
        loop {
            let cursor = log.lock().expect("nobody panics with it").last().map(|r| r.seq_num);
            let Ok(mut reader) = self.client.follow(&self.path, cursor).await else {
                self.refused += 1;
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            let ended: Result<(), Failure> = loop {
                match timeout(Duration::from_millis(200), reader.next()).await {
                    Err(_) if over.load(Ordering::Relaxed) => return self,
                    Err(_) => {}
                    Ok(Ok(Some(records))) => {
                        log.lock().expect("nobody panics with it").extend(records);
                    }
                    Ok(Ok(None)) => break Ok(()),
                    Ok(Err(error)) => break Err(error),
                }
            };
            self.ends += 1;
            self.cuts += usize::from(ended.is_err());
        }
    }
}

/// Talks until `over`, and waits for each answer.
async fn talk(mut session: Session, mut rng: Rng, over: Arc<AtomicBool>) -> Session {
    while !over.load(Ordering::Relaxed) {
        let seq = session.say(3 + rng.below(40), rng.below(25)).await;
        let covered = async {
            while !session.is_covered(seq) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        if timeout(PATIENCE, covered).await.is_err() {
            panic!("stranded: {}", session.story().await);
        }
        sleep(Duration::from_millis(rng.below(50))).await;
    }
    session
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_turn_and_sends_each_reader_away_once_for_each_gateway() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut world = World::start(dir.path(), Topology::Single).await;
    let (over, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let report = Arc::new(Report::default());
    let (mut talking, mut reading) = (Vec::new(), Vec::new());
    for user in 0..USERS {
        let agent = [Agent::Demo, Agent::Turns, Agent::Runs][user % 3];
        let name = format!("{}-{user}", agent.id());
        let client = world.client();
        let mut session = Session::new(client, Topology::Single, &name, agent, user, &report);
        session.create().await;
        session.say(3, 0).await;
        session.read_answer(Duration::from_secs(10)).await;
        reading.push(tokio::spawn(Follower::of(&session).follow(Arc::clone(&read))));
        let rng = Rng::new(seed.wrapping_add(user as u64));
        talking.push(tokio::spawn(talk(session, rng, Arc::clone(&over))));
    }
    sleep(Duration::from_millis(500)).await;
    world.roll().await;
    over.store(true, Ordering::Relaxed);
    let mut sessions = Vec::new();
    for talking in talking {
        sessions.push(talking.await.expect("everything is answered"));
    }
    // Not before: who talks waits for what is read.
    read.store(true, Ordering::Relaxed);
    let (mut most, mut ends, mut cuts, mut refused) = (0, 0, 0, 0);
    for reading in reading {
        let follower = reading.await.expect("it reads on");
        most = most.max(follower.ends);
        ends += follower.ends;
        cuts += follower.cuts;
        refused += follower.refused;
    }
    for session in &sessions {
        losses::check(session).await;
    }
    report.lines().iter().for_each(|line| println!("{line}"));
    println!(
        "{USERS} readers: {ends} reconnects, at most {most} each, {cuts} cut, {refused} refused"
    );
    assert_eq!(report.counted("turns that ended in a visible error"), 0, "no turn fails");
    assert_eq!(cuts, 0, "a drain ends reads cleanly");
    assert!(most <= NODES, "{most} reconnects of one reader");
}
