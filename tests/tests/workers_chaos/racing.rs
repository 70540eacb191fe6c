//! Races of the wake-up of runs: many appends to a session without a run, appends at the moment of
//! parking, and parked runs that must make room.

use std::sync::Arc;

use tidegate_tests::process::Gateway;

use crate::check::pages;
use crate::fates;
use crate::recovery::Recovery;
use crate::rng::{Rng, is_long, seed};
use crate::user::{User, message, word};
use crate::worker::{Mode, Worker};

const APPENDS: usize = 50;
const SESSIONS: usize = 10;

fn user(gateway: &Gateway, number: usize, seed: u64) -> User {
    let recovery = Arc::new(Recovery::default());
    User::new(gateway.client(), Mode::Runs, number, seed, &recovery)
}

async fn runs(user: &User) -> usize {
    let path = format!("/api/v1/runs?filter%5Btag%5D=chat:{}", user.name);
    let answer = user.client.get(&path).await.expect("up");
    assert_eq!(answer.status, 200);
    answer.json()["data"].as_array().expect("a list").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_appends_to_a_dead_session_boot_one_run() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(dir.path(), "memory:", "").await;
    let mut worker = Worker::start(dir.path(), &gateway.address, Mode::Runs, "w", "1", 4).await;
    let mut user = user(&gateway, 0, 1);
    user.create().await;
    let first = user.say("say 1 0").await;
    user.read_until(first).await;
    assert_eq!(runs(&user).await, 1);
    worker.kill();
    worker.spawn();
    let appending: Vec<_> = (1..=APPENDS)
        .map(|number| {
            let (client, path) = (user.client.clone(), user.path("in/append"));
            let part = format!("u{number}");
            tokio::spawn(async move {
                let body = message(&part, "say 2 0");
                let headers = [("x-part-id", &*part)];
                let answer = client.post(&path, &headers, &body).await.expect("up");
                assert_eq!(answer.status, 200, "{answer:?}");
                (part.clone(), answer.json()["seq"].as_u64().expect("a seq"))
            })
        })
        .collect();
    for appended in appending {
        user.acknowledged.push(appended.await.expect("it was taken"));
    }
    let last = user.acknowledged.iter().map(|(_, seq)| *seq).max().expect("some");
    user.read_until(last).await;
    fates::check(&user).await;
    let fates = format!("/v1/sessions/{}/inputs", user.name);
    let fates = pages(&user.client, &fates, "after", "seq").await;
    assert!(fates.iter().all(|input| input["fate"] == "answered"), "{fates:?}");
    assert_eq!(runs(&user).await, 2, "one run before, one for all of them");
}

/// As soon as a boundary is there the run parks, and the next message comes.
async fn wake(rooms: usize, seed: u64) {
    let wakes = if is_long() { 100 } else { 10 };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(dir.path(), "memory:", "").await;
    let _worker = Worker::start(dir.path(), &gateway.address, Mode::Runs, "w", "1", rooms).await;
    let talking: Vec<_> = (0..SESSIONS)
        .map(|number| {
            let mut user = user(&gateway, number, seed);
            tokio::spawn(async move {
                user.create().await;
                for _ in 0..wakes {
                    let seq = user.say("say 1 0").await;
                    user.read_until(seq).await;
                    // Around the moment of parking: before it, in it, behind it.
                    spin(&mut user.rng).await;
                }
                user
            })
        })
        .collect();
    for user in talking {
        let user = user.await.expect("all were answered");
        fates::check(&user).await;
        let path = format!("/v1/sessions/{}/inputs", user.name);
        let fates = pages(&user.client, &path, "after", "seq").await;
        assert!(fates.iter().all(|input| input["fate"] == "answered"), "{fates:?}");
    }
}

async fn spin(rng: &mut Rng) {
    for _ in 0..rng.below(40) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_at_the_moment_of_parking_are_answered() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    wake(SESSIONS, seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_while_a_parked_run_makes_room_are_answered() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    wake(SESSIONS / 3, seed).await;
}

/// It was asked to leave when a message was on its way to it: that is answered by it, however long
/// that takes, and by nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_works_again_is_not_made_to_leave() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(dir.path(), "memory:", "").await;
    let worker = Worker::start(dir.path(), &gateway.address, Mode::Runs, "w", "1", 1).await;
    let mut works = user(&gateway, 0, 1);
    works.create().await;
    let first = works.say("say 1 0").await;
    works.read_until(first).await;
    worker.proxy.stall(true);
    let slow = works.say("say 60 200").await;
    let mut waits = user(&gateway, 1, 1);
    waits.create().await;
    let behind = waits.say("say 1 0").await;
    worker.proxy.stall(false);
    works.read_until(slow).await;
    waits.read_until(behind).await;
    fates::check(&works).await;
    fates::check(&waits).await;
    let log = works.log();
    let log = log.lock().expect("nobody panics with it");
    let words = log.iter().filter_map(word).filter(|word| word.message == "u1");
    assert_eq!(words.count(), 60, "it was answered twice");
}
