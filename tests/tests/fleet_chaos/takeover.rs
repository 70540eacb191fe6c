//! The gateway that serves a turn is killed. How long its reader waits for the next record is
//! printed; that it comes, and how the turn ends, is checked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_protocol::Record;

use crate::log::{Agent, word};
use crate::losses;
use crate::report::Report;
use crate::session::Session;
use crate::shared::Topology;
use crate::world::World;

const TIMES: usize = 3;
const SILENCE: Duration = Duration::from_secs(10);

fn words(session: &Session) -> usize {
    let log = session.log.lock().expect("nobody panics with it");
    log.iter().filter(|record| word(record).is_some()).count()
}

/// Who wrote the last word; the demo does not say.
fn writer(session: &Session) -> Option<String> {
    let log = session.log.lock().expect("nobody panics with it");
    log.iter().rev().find_map(word)?.writer.map(|(tag, _)| tag)
}

/// Has somebody else written since the reader had `seen` records?
fn is_taken_over(session: &Session, seen: usize, old: Option<&str>) -> bool {
    let log = session.log.lock().expect("nobody panics with it");
    let by_another = |record: &Record| match word(record) {
        Some(word) => word.writer.is_some_and(|(tag, _)| Some(&*tag) != old),
        None => true,
    };
    log[seen..].iter().any(by_another)
}

/// One turn under a gateway that is killed; the time until the next record.
async fn killed(world: &mut World, agent: Agent, time: usize, report: &Arc<Report>) -> Duration {
    let name = format!("{}-{time}", agent.id());
    // Where the first input comes in, the demo's turns run.
    let node = time % world.gateways.len();
    let near = world.gateways[node].client();
    let mut session = Session::new(near, Topology::Single, &name, agent, time, report);
    session.create().await;
    session.say(3, 0).await;
    session.client = world.client();
    session.read_answer(SILENCE).await;
    session.say(300, 10).await;
    let before = words(&session);
    session.read_until(SILENCE, |session| words(session) > before + 10).await;
    let old = writer(&session);
    // As `World::start` names them: `turns0-1` is the first life of the worker at gateway 0.
    let of_worker =
        old.as_deref().and_then(|tag| tag.split_once('-')?.0.chars().last()?.to_digit(10));
    let node = of_worker.map_or(node, |digit| digit as usize);
    let seen = session.log.lock().expect("nobody panics with it").len();
    let began = Instant::now();
    world.gateways[node].kill();
    let next = |session: &Session| is_taken_over(session, seen, old.as_deref());
    session.read_until(SILENCE, next).await;
    let waited = began.elapsed();
    world.gateways[node].spawn().await;
    session.read_answer(SILENCE).await;
    session.say(5, 0).await;
    session.read_answer(SILENCE).await;
    losses::check(&session).await;
    waited
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_is_taken_over_from_a_killed_gateway() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut world = World::start(dir.path(), Topology::Single).await;
    let report = Arc::new(Report::default());
    for agent in [Agent::Demo, Agent::Turns, Agent::Runs] {
        for time in 0..TIMES {
            let waited = killed(&mut world, agent, time, &report).await;
            println!("{agent:?}: the next record came {waited:?} after the kill");
        }
    }
    report.lines().iter().for_each(|line| println!("{line}"));
}
