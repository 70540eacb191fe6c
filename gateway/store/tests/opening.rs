//! Opening a store: URLs and what stands in the way.

use std::path::Path;
use std::sync::Arc;

use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::Retention;
use tidegate_store::{DiskStore, ListenableStore, OpenError, open};

fn open_url(url: &str) -> Result<Arc<dyn ListenableStore>, OpenError> {
    open(url, Arc::new(SystemClock), Retention::default())
}

#[tokio::test]
async fn urls_name_stores() {
    let dir = tempfile::tempdir().expect("a directory");
    open_url("memory:").expect("a store in memory");
    let path = dir.path().join("made/on/demand");
    open_url(&format!("disk:{}", path.display())).expect("a store on disk");
    assert!(path.is_dir());
    for url in ["", "memory", "memory:x", "disk:", "sqlite:x", "/tmp/x"] {
        let error = open_url(url).expect_err("no store");
        assert!(matches!(&error, OpenError::UnknownUrl(known) if known == url), "{error}");
    }
    for url in ["redis://h", "rediss://h", "redis-sentinel://h", "redis-cluster://h"] {
        let error = open_url(url).expect_err("no store");
        assert!(matches!(&error, OpenError::NotEmbedded { .. }), "{error}");
    }
}

#[test]
fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || DiskStore::open(dir.path(), Arc::new(SystemClock), Retention::default());
    let first = open().expect("a store");
    let error = open().expect_err("it is in use");
    assert!(matches!(&error, OpenError::InUse(lock) if lock.starts_with(dir.path())), "{error}");
    drop(first);
    open().expect("free again");
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || DiskStore::open(dir.path(), Arc::new(SystemClock), Retention::default());
    drop(open().expect("a store"));
    set_format(&dir.path().join("data"), 2);
    let error = open().expect_err("a newer format");
    assert!(matches!(error, OpenError::NewerFormat { found: 2, known: 1, .. }), "{error}");
    set_format(&dir.path().join("data"), 1);
    open().expect("the format it was");
}

#[test]
fn what_is_no_directory_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    let error = DiskStore::open(&file, Arc::new(SystemClock), Retention::default());
    assert!(matches!(error, Err(OpenError::Unavailable { path, .. }) if path == file));
}

fn set_format(data: &Path, version: u64) {
    let db = fjall::Database::builder(data).open().expect("a database");
    let keys = db.keyspace("tidegate", fjall::KeyspaceCreateOptions::default).expect("keys");
    keys.insert([1, 0], version.to_be_bytes()).expect("a write");
    db.persist(fjall::PersistMode::SyncAll).expect("a sync");
}
