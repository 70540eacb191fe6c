//! `kill -9` at any moment: what was acknowledged is there, whole, and nothing half.

mod support;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::Retention;
use tidegate_store::contract::random::Random;
use tidegate_store::{DiskStore, ListenableStore};

use support::writers::{check_writer, next_commit, write};

const WRITERS: u64 = 8;
const DIR: &str = "TIDEGATE_CRASH_DIR";

#[tokio::test]
async fn acknowledged_commits_survive() {
    let seed = env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let rounds = if env::var_os("TIDEGATE_LONG").is_some() { 200 } else { 20 };
    println!("TIDEGATE_SEED={seed}");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().expect("a directory");
    let mut last = [None; WRITERS as usize];
    for round in 0..rounds {
        // Some are killed while they open the store.
        let lines = if random.once_in(5) { 0 } else { random.below(600) };
        run_and_kill(dir.path(), lines, &mut last);
        let store = open(dir.path());
        for (writer, acknowledged) in (0..).zip(&mut last) {
            let found = check_writer(&*store, writer).await;
            assert!(found >= *acknowledged, "round {round}: writer {writer} lost a commit");
            let most = acknowledged.map_or(0, |last| last + 1);
            assert!(found <= Some(most), "round {round}: writer {writer} has what it never sent");
            *acknowledged = found;
        }
        println!("round {round}: killed after {lines} acknowledgements");
    }
    assert!(last.iter().all(Option::is_some), "every writer wrote");
}

/// Starts a child that writes, kills it after `lines` acknowledgements, and notes the last
/// acknowledged commit of each writer.
fn run_and_kill(dir: &Path, lines: u64, last: &mut [Option<u64>]) {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "child_that_writes", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut seen = 0;
    for line in output.lines() {
        let line = line.expect("text");
        let ended = line.strip_suffix(';').and_then(|line| line.strip_prefix("ack "));
        if let Some((writer, commit)) = ended.and_then(|ack| ack.split_once(' ')) {
            let writer: usize = writer.parse().expect("a writer");
            last[writer] = Some(commit.parse().expect("a commit"));
            seen += 1;
        }
        if seen >= lines {
            // It may have been killed before.
            let _ = child.kill();
        }
    }
    child.wait().expect("the end of the child");
}

fn open(dir: &Path) -> Arc<dyn ListenableStore> {
    let store = DiskStore::open(dir, Arc::new(SystemClock), Retention::default());
    Arc::new(store.expect("a store"))
}

/// Not a test: the child. Writes until it is killed, and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by another test"]
async fn child_that_writes() {
    let Some(dir) = env::var_os(DIR) else { return };
    println!();
    let store = open(Path::new(&dir));
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in next_commit(&*store, writer).await.. {
                write(&*store, writer, number).await.expect("a commit");
                let mut out = std::io::stdout().lock();
                // The parent is gone: so is the reason to go on.
                if writeln!(out, "ack {writer} {number};").and_then(|()| out.flush()).is_err() {
                    return;
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
}
