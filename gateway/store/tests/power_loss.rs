//! Power loss: of what was not synced, any part may be missing. What was acknowledged is there.

mod support;

use std::env;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::Retention;
use tidegate_store::DiskStore;
use tidegate_store::contract::random::Random;

use support::writers::{check_writer, write};

const PAGE: u64 = 4_096;
const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];

/// What the disk holds of the bytes behind the last sync.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// The file ends early.
    Cut,
    /// The file was never longer, but the rest of it was never written.
    Zeros,
    /// A page is missing, later ones are there.
    Hole,
}

#[tokio::test]
async fn acknowledged_commits_survive() {
    let seed = env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let rounds = if env::var_os("TIDEGATE_LONG").is_some() { 600 } else { 60 };
    println!("TIDEGATE_SEED={seed}");
    let mut random = Random::new(seed);
    for round in 0..rounds {
        let loss = [Loss::Cut, Loss::Zeros, Loss::Hole][random.below(3) as usize];
        lose_power(&mut random, loss, round).await;
    }
}

async fn lose_power(random: &mut Random, loss: Loss, round: u64) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(&dir.path().join("store"));
    let synced = 1 + random.below(6);
    for number in 0..synced {
        write(&store, 0, number).await.expect("a commit");
    }
    let from = end_of_journal(&dir.path().join("store"));
    // A disk that loses power has at most one group that was not synced.
    write(&store, 0, synced).await.expect("a commit");
    let to = end_of_journal(&dir.path().join("store"));
    assert!(from < to);
    let after = dir.path().join("after");
    copy(&dir.path().join("store"), &after);
    let at = from + random.below(to - from);
    damage(&journal(&after), loss, at, from, to);
    let survivor = open(&after);
    let last = check_writer(&survivor, 0).await;
    let context = format!("round {round}: {loss:?} at {at} of {from}..{to}");
    assert!(last >= Some(synced - 1), "{context}: lost {:?}", last);
    let next = last.map_or(0, |last| last + 1);
    write(&survivor, 0, next).await.expect("a commit after the loss");
    drop(survivor);
    assert_eq!(check_writer(&open(&after), 0).await, Some(next), "{context}");
}

fn damage(journal: &Path, loss: Loss, at: u64, from: u64, to: u64) {
    let mut file = File::options().write(true).open(journal).expect("a journal");
    let zero = |file: &mut File, start: u64, end: u64| {
        file.seek(SeekFrom::Start(start)).expect("a place");
        file.write_all(&vec![0; (end - start) as usize]).expect("zeros");
    };
    match loss {
        Loss::Cut => file.set_len(at).expect("a shorter file"),
        Loss::Zeros => zero(&mut file, at, to),
        Loss::Hole => {
            let start = (at / PAGE * PAGE).max(from);
            zero(&mut file, start, (at / PAGE * PAGE + PAGE).min(to));
        }
    }
}

fn open(dir: &Path) -> DiskStore {
    DiskStore::open(dir, Arc::new(SystemClock), Retention::default()).expect("a store")
}

/// Where the written part of the journal ends: the engine reserves space by zeros.
fn end_of_journal(store: &Path) -> u64 {
    let bytes = fs::read(journal(store)).expect("a journal");
    let last = bytes[..written(&bytes)].iter().rposition(|byte| *byte != 0);
    last.map_or(0, |last| last as u64 + 1)
}

fn journal(store: &Path) -> PathBuf {
    store.join("data").join("0.jnl")
}

/// Copies what is on disk, as if at the moment of the loss. Locks are not copied.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            copy_file(&entry.path(), &target);
        }
    }
}

/// Copies a file without the space that it reserved and never wrote, which stays reserved.
fn copy_file(from: &Path, to: &Path) {
    let bytes = fs::read(from).expect("a file");
    let mut file = File::create(to).expect("a file");
    file.write_all(&bytes[..written(&bytes)]).expect("a copy");
    file.set_len(bytes.len() as u64).expect("a sparse file");
}

/// How much of `bytes` is not reserved space, to the page.
fn written(bytes: &[u8]) -> usize {
    let reserved = bytes.rchunks(PAGE as usize).take_while(|page| **page == ZEROS[..page.len()]);
    bytes.len() - reserved.map(<[u8]>::len).sum::<usize>()
}
