//! A new version comes while the old one works.

use std::path::Path;
use std::sync::Arc;

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
    Worker::start(dir, &gateway.address, mode, &name, version, 4).await
}

/// Starts version 2; from then on it serves what is new.
async fn deploy(deploy: &Deploy, mode: Mode) -> Worker {
    let worker = version(deploy.dir.path(), &deploy.gateway, mode, "2").await;
    for number in 1.. {
        let recovery = Arc::new(Recovery::default());
        let mut probe = User::new(deploy.gateway.client(), mode, number, 1, &recovery);
        probe.create().await;
        let seq = probe.say("say 1 0").await;
        probe.read_until(seq).await;
        if writers(&probe) == [["v2-1"]] {
            break;
        }
    }
    worker
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
    let mut old = begin(Mode::Turns).await;
    let running = old.user.say("say 150 20").await;
    old.user.read_word().await;
    let _new = deploy(&old, Mode::Turns).await;
    let user = &mut old.user;
    let waiting = user.say("say 5 0").await;
    assert!(!user.is_covered(running), "it had to be running still");
    user.read_until(waiting).await;
    fates::check(user).await;
    assert_eq!(writers(user), [["v1-1"], ["v2-1"]]);
}

#[tokio::test]
async fn end_and_continue_moves_a_session_to_the_new_version() {
    let mut old = begin(Mode::Runs).await;
    let running = old.user.say("say 150 20").await;
    old.user.read_word().await;
    let _new = deploy(&old, Mode::Runs).await;
    let user = &mut old.user;
    let stays = user.say("say 5 0").await;
    let moves = user.say("upgrade").await;
    let moved = user.say("say 5 0").await;
    assert!(!user.is_covered(running), "it had to be running still");
    assert!(running < stays && stays < moves && moves < moved);
    user.read_until(moved).await;
    fates::check(user).await;
    assert_eq!(writers(user), [["v1-1"], ["v1-1"], ["v1-1"], ["v2-1"]]);
}
