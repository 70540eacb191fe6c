//! Opens the engine and mends it after a crash or a failed write.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tidegate_core::seams::store::StoreError;

use super::journal::{self, MARK};
use super::keys::meta;
use crate::open::OpenError;

/// Version of the stored format that this code writes, and the newest that it reads.
const FORMAT: u64 = 1;
/// Memory of the engine's block cache.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// What must fit on the disk before a failed engine is opened again.
const PROBE_BYTES: usize = 256 * 1024;
/// The engine's flush and compaction threads.
const WORKERS: usize = 2;

/// The open engine.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) db: Database,
    pub(super) data: Keyspace,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The directory of a store, locked for this process.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    /// Held for as long as the file is open.
    _lock: File,
    /// Tells this process's groups from those of others.
    nonce: u64,
}

impl Home {
    /// Makes the directory if it is not there, and locks it.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        let unavailable = |error: io::Error| OpenError::Unavailable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        fs::create_dir_all(path).map_err(unavailable)?;
        let options = File::options().create(true).truncate(false).write(true).to_owned();
        let lock = options.open(path.join("lock")).map_err(unavailable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.join("lock"))),
            Err(TryLockError::Error(error)) => return Err(unavailable(error)),
        }
        let nonce = RandomState::new().hash_one(path);
        Ok(Self { path: path.to_owned(), _lock: lock, nonce })
    }

    /// Opens the engine for the first time in this process.
    pub(super) fn open(&self) -> Result<Engine, OpenError> {
        let engine = self
            .make()
            .and_then(|()| self.recover())
            .map_err(|reason| OpenError::Unavailable { path: self.path.clone(), reason })?;
        self.check_format(&engine)?;
        Ok(engine)
    }

    /// Makes the engine's files where there are none: elsewhere first, since whoever is killed in
    /// the middle of it leaves some that can't be opened.
    fn make(&self) -> Result<(), String> {
        let text = |error: io::Error| error.to_string();
        if self.data().try_exists().map_err(text)? {
            return Ok(());
        }
        let new = self.path.join("data.new");
        match fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(text(error)),
            _ => {}
        }
        let engine = open_engine(&new).map_err(|error| error.to_string())?;
        engine.db.persist(PersistMode::SyncAll).map_err(|error| error.to_string())?;
        drop(engine);
        sync_dir(&new).map_err(text)?;
        fs::rename(&new, self.data()).map_err(text)?;
        sync_dir(&self.path).map_err(text)
    }

    /// Mends the journal if nobody closed the store in peace: a sync may have failed. A torn group
    /// at its end, which was never acknowledged, is cut off.
    fn recover(&self) -> Result<Engine, String> {
        let text = |error: io::Error| error.to_string();
        match fs::remove_file(self.clean()) {
            Ok(()) => sync_dir(&self.path).map_err(text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                journal::renew(&self.data()).map_err(text)?;
            }
            Err(error) => return Err(text(error)),
        }
        match open_engine(&self.data()) {
            Err(fjall::Error::JournalRecovery(error)) => {
                tracing::warn!(?error, path = %self.path.display(), "cutting off a torn commit");
                journal::cut(&self.data(), MARK).map_err(text)?;
                open_engine(&self.data()).map_err(|error| error.to_string())
            }
            other => other.map_err(|error| error.to_string()),
        }
    }

    /// Can the disk be written? If not, the engine had better stay open, to be read.
    pub(super) fn probe(&self) -> io::Result<()> {
        let path = self.path.join("probe");
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&[0x55; PROBE_BYTES])?;
            file.sync_all()
        });
        // Whether the file goes is of no matter: the next one takes its place.
        let _ = fs::remove_file(&path);
        written
    }

    /// Opens the engine again, without the group `number`, which failed. Nothing may use the old
    /// one any more.
    pub(super) fn reopen(&self, number: u64) -> Result<Engine, StoreError> {
        journal::cut(&self.data(), &self.mark(number)).map_err(unavailable)?;
        open_engine(&self.data()).map_err(unavailable)
    }

    /// Says that all is synced: the next start needs no repair.
    pub(super) fn mark_clean(&self) -> io::Result<()> {
        File::create(self.clean())?.sync_all()?;
        sync_dir(&self.path)
    }

    /// The mark of group `number`, by which it is found in the journal.
    pub(super) fn mark(&self, number: u64) -> Vec<u8> {
        let mut mark = MARK.to_vec();
        mark.extend_from_slice(&self.nonce.to_be_bytes());
        mark.extend_from_slice(&number.to_be_bytes());
        mark
    }

    fn check_format(&self, engine: &Engine) -> Result<(), OpenError> {
        let unavailable = |error: fjall::Error| OpenError::Unavailable {
            path: self.path.clone(),
            reason: error.to_string(),
        };
        let stored = engine.data.get(meta::FORMAT).map_err(unavailable)?;
        let Some(stored) = stored else {
            engine.data.insert(meta::FORMAT, FORMAT.to_be_bytes()).map_err(unavailable)?;
            return engine.db.persist(PersistMode::SyncAll).map_err(unavailable);
        };
        match stored.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)) {
            Some(found) if found <= FORMAT => Ok(()),
            Some(found) => {
                Err(OpenError::NewerFormat { path: self.path.clone(), found, known: FORMAT })
            }
            None => Err(OpenError::Unavailable {
                path: self.path.clone(),
                reason: "its format can't be read".to_owned(),
            }),
        }
    }

    fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    fn clean(&self) -> PathBuf {
        self.path.join("clean")
    }
}

/// As the seam says it.
pub(super) fn unavailable(error: impl ToString) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn open_engine(path: &Path) -> fjall::Result<Engine> {
    let db = Database::builder(path)
        .cache_size(CACHE_BYTES)
        .worker_threads(WORKERS)
        .journal_compression(CompressionType::None)
        .open()?;
    let data = db.keyspace("tidegate", KeyspaceCreateOptions::default)?;
    Ok(Engine { db, data })
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::overlay::{Overlay, get};
    use super::*;

    fn write(home: &Home, engine: &Engine, number: u64) {
        let mut group = Overlay::new(engine);
        group.put(meta::GROUP_MARK.to_vec(), home.mark(number));
        group.put(vec![0x77, number as u8], vec![number as u8; 10_000]);
        group.commit().expect("a group");
    }

    /// After a failed sync the group may be in the journal all the same.
    #[test]
    fn a_failed_group_is_gone_although_its_bytes_arrived() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::lock(dir.path()).expect("a home");
        let engine = home.open().expect("an engine");
        (1..=3).for_each(|number| write(&home, &engine, number));
        drop(engine);
        home.probe().expect("a working disk");
        let engine = home.reopen(3).expect("an engine");
        let has = |number| get(&engine, &[0x77, number]).expect("a read").is_some();
        assert_eq!([has(1), has(2), has(3)], [true, true, false]);
        write(&home, &engine, 4);
        drop(engine);
        let engine = home.open().expect("an engine");
        let has = |number| get(&engine, &[0x77, number]).expect("a read").is_some();
        assert_eq!([has(1), has(2), has(3), has(4)], [true, true, false, true]);
    }

    /// A failed group that never reached the journal leaves the others alone.
    #[test]
    fn nothing_else_is_cut() {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::lock(dir.path()).expect("a home");
        let engine = home.open().expect("an engine");
        (1..=3).for_each(|number| write(&home, &engine, number));
        drop(engine);
        let engine = home.reopen(4).expect("an engine");
        assert!(get(&engine, &[0x77, 3]).expect("a read").is_some());
    }
}
