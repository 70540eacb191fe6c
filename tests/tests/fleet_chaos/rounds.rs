//! Rounds of faults under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::faults::Fault;
use crate::report::Report;
use crate::rng::{Rng, is_long, seed};
use crate::session::Session;
use crate::shared::Topology;
use crate::user::{Chats, Log, Seen, User};
use crate::world::World;
use crate::{check, losses};

const USERS: usize = 9;
const SAID_LOST: &str = "streams of which gateways said that they lost records";

async fn rounds(topology: Topology, seed: u64, short: usize, long: usize) -> Vec<String> {
    let rounds = std::env::var("TIDEGATE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(if is_long() { long } else { short });
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut world = World::start(dir.path(), topology).await;
    let report = Arc::new(Report::default());
    let over = Arc::new(AtomicBool::new(false));
    let (chats, seen) = (Chats::default(), Seen::default());
    let mut users = Vec::new();
    for number in 0..USERS {
        let user = User::new(world.client(), topology, number, seed, &report, &seen);
        users.push(tokio::spawn(user.live(Arc::clone(&over), Arc::clone(&chats))));
    }
    let mut rng = Rng::new(seed);
    for round in 0..rounds {
        sleep(Duration::from_millis(200 + rng.below(800))).await;
        let fault = Fault::of(topology, round, &mut rng);
        world.suffer(fault, &mut rng, &report).await;
        let logs: Vec<Log> =
            seen.lock().expect("nobody panics with it").values().cloned().collect();
        logs.iter().for_each(|log| so_far(topology, log));
        if let Some(user) = users.iter().position(tokio::task::JoinHandle::is_finished) {
            let ended = users.swap_remove(user).await;
            panic!("round {round}, {fault:?}: a user has gone: {:?}", ended.map(|chat| chat.name));
        }
    }
    over.store(true, Ordering::Relaxed);
    let mut sessions = Vec::new();
    for user in users {
        sessions.push(user.await.expect("the user's own checks hold"));
    }
    sessions.append(&mut chats.lock().expect("nobody panics with it"));
    finish(&world, &sessions, &report, rounds).await
}

/// What was read so far is in order, and no writer came back.
fn so_far(topology: Topology, log: &Log) {
    let records = log.records.lock().expect("nobody panics with it").clone();
    let (name, agent) = (&log.name, log.agent);
    if topology.may_lose() {
        let rises = |pair: &[tidegate_protocol::Record]| pair[1].seq_num > pair[0].seq_num;
        assert!(records.windows(2).all(rises), "{name}: a seq came twice");
        return;
    }
    check::dense(name, &records);
    check::turns(name, agent, &records);
}

async fn finish(
    world: &World,
    sessions: &[Session],
    report: &Report,
    rounds: usize,
) -> Vec<String> {
    for session in sessions {
        losses::check(session).await;
    }
    for gateway in &world.gateways {
        assert_eq!(gateway.panics(), Vec::<String>::new());
        report.count(SAID_LOST, gateway.said_lost());
    }
    // What the primary had and its replica did not was never committed with `wait`; gateways that
    // had seen it say so all the same.
    if matches!(world.topology, Topology::Single | Topology::Cluster) {
        assert_eq!(report.counted(SAID_LOST), 0, "nothing may be lost here");
    }
    let mut lines = vec![format!("{:?}: {rounds} rounds", world.topology)];
    lines.extend(report.lines());
    lines.push("silent losses: 0".to_owned());
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_repeated_or_stranded() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    let report = rounds(Topology::Single, seed, 7, 200).await;
    report.iter().for_each(|line| println!("{line}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_nothing_in_silence() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    let report = rounds(Topology::Sentinels, seed, 3, 40).await;
    report.iter().for_each(|line| println!("{line}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_nothing_that_was_waited_for() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    let report = rounds(Topology::SentinelsWait, seed, 2, 40).await;
    report.iter().for_each(|line| println!("{line}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_move_under_sessions() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    let report = rounds(Topology::Cluster, seed, 4, 40).await;
    report.iter().for_each(|line| println!("{line}"));
}
