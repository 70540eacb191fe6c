//! A new version comes while the old one works.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidegate_tests::client::Client;
use tidegate_tests::process::Gateway;
use tidegate_tests::worker::script::Word;

use crate::fates;
use crate::recovery::Recovery;
use crate::user::{User, word};
use crate::worker::{Mode, Worker};

struct Deploy {
    dir: tempfile::TempDir,
    gateway: Gateway,
    _old: Worker,
    user: User,
}

async fn begin(mode: Mode) -> Deploy {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(dir.path(), "memory:", "").await;
    let _old = version(dir.path(), &gateway, mode, "1").await;
    let recovery = Arc::new(Recovery::default());
    let user = User::new(gateway.client(), mode, 0, 1, &recovery);
    user.create().await;
    Deploy { dir, gateway, _old, user }
}

async fn version(dir: &Path, gateway: &Gateway, mode: Mode, version: &str) -> Worker {
    let name = format!("v{version}");
    let worker = Worker::start(dir, &gateway.address, mode, &name, version, 4).await;
    until_workers(&gateway.client(), version.parse().expect("versions are numbers here")).await;
    worker
}

/// Waits until so many workers are connected.
async fn until_workers(client: &Client, count: usize) {
    loop {
        let text = client.get("/metrics").await.expect("up").body;
        let text = String::from_utf8_lossy(&text).into_owned();
        let found = text.lines().filter_map(|line| line.strip_prefix("tidegate_links "));
        if found.filter_map(|value| value.trim().parse::<usize>().ok()).any(|now| now >= count) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// By turn: the workers that wrote it.
fn writers(user: &User) -> Vec<Vec<String>> {
    let log = user.log();
    let log = log.lock().expect("nobody panics with it");
    log.split_inclusive(tidegate_protocol::control::is_boundary)
        .map(|turn| {
            let words = turn.iter().filter_map(word);
            let mut writers: Vec<_> = words.map(|word: Word| word.worker).collect();
            writers.dedup();
            writers
        })
        .collect()
}

#[tokio::test]
async fn a_turn_ends_on_its_version_and_the_next_runs_on_the_new_one() {
    let mut deploy = begin(Mode::Turns).await;
    let user = &mut deploy.user;
    let running = user.say("say 40 20").await;
    user.read_word().await;
    let _new = version(deploy.dir.path(), &deploy.gateway, Mode::Turns, "2").await;
    let waiting = user.say("say 5 0").await;
    assert!(!user.is_covered(running), "version 2 came too late for this test");
    user.read_until(waiting).await;
    fates::check(user).await;
    assert_eq!(writers(user), [["v1-1"], ["v2-1"]]);
}

#[tokio::test]
async fn end_and_continue_moves_a_session_to_the_new_version() {
    let mut deploy = begin(Mode::Runs).await;
    let user = &mut deploy.user;
    let running = user.say("say 40 20").await;
    user.read_word().await;
    let _new = version(deploy.dir.path(), &deploy.gateway, Mode::Runs, "2").await;
    let stays = user.say("say 5 0").await;
    let moves = user.say("upgrade").await;
    let moved = user.say("say 5 0").await;
    assert!(!user.is_covered(running), "version 2 came too late for this test");
    assert!(running < stays && stays < moves && moves < moved);
    user.read_until(moved).await;
    fates::check(user).await;
    assert_eq!(writers(user), [["v1-1"], ["v1-1"], ["v1-1"], ["v2-1"]]);
}
