//! A full disk: a clear error, no harm, and all is well once there is space.

mod support;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tidegate_core::seams::StreamStore;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{CommitError, Retention, StoreError};
use tidegate_store::DiskStore;

use support::writers::{check_writer, write};

const DIR: &str = "TIDEGATE_FULL_DIR";
/// A file system of 8 MiB that nobody else sees and that goes with its process.
const MOUNT: &str = r#"mount -t tmpfs -o size=8m none "$TIDEGATE_FULL_DIR" || exit 77
exec "$@""#;

#[test]
fn a_full_disk_does_no_harm() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = |unshare: &[&str]| {
        let status = Command::new("unshare")
            .args(unshare)
            .args(["sh", "-c", MOUNT, "sh"])
            .arg(env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "child_on_a_small_disk", "--nocapture"])
            .env(DIR, dir.path())
            .status();
        status.ok().and_then(|status| status.code())
    };
    let code = match run(&["--mount"]) {
        Some(1 | 77) | None => run(&["--user", "--map-root-user", "--mount"]),
        code => code,
    };
    assert_eq!(code, Some(0), "needs `unshare` and the right to mount in a namespace of its own");
}

/// Not a test: the child, whose `DIR` is a small file system.
#[tokio::test]
#[ignore = "started by another test"]
async fn child_on_a_small_disk() {
    let Some(dir) = env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![1; 4 << 20]).expect("room for the ballast");
    let store = open(dir);
    let mut next = 0;
    let error = loop {
        match write(&store, 0, next).await {
            Ok(_) => next += 1,
            Err(error) => break error,
        }
    };
    println!("full after {next} commits: {error}");
    for _ in 0..3 {
        let error = write(&store, 0, next).await.expect_err("the disk is full");
        assert!(matches!(error, CommitError::Store(StoreError::Unavailable(_))), "{error}");
        assert_eq!(check_writer(&store, 0).await, Some(next - 1), "reads go on");
    }
    fs::remove_file(&ballast).expect("space");
    for number in next..next + 20 {
        write(&store, 0, number).await.expect("there is space again");
        assert_eq!(check_writer(&store, 0).await, Some(number));
    }
    store.close().await.expect("a clean end");
    drop(store);
    assert_eq!(check_writer(&open(dir), 0).await, Some(next + 19));
}

fn open(dir: &Path) -> DiskStore {
    let store = DiskStore::open(&dir.join("store"), Arc::new(SystemClock), Retention::default());
    store.expect("a store")
}
