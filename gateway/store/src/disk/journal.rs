//! Repairs the engine's journal.
//!
//! After a failed sync the kernel may take pages for clean that never reached the disk: whatever
//! is synced behind them later would be lost with them at a power cut. So the journal is written
//! anew, to other blocks, before anything is appended to it. What a failed group left in it is cut
//! off: a batch without its end is discarded by the engine.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What every mark of a group starts with.
pub(super) const MARK: &[u8; 8] = b"tg-group";

/// Name of the copy until it takes the journal's place. The engine ignores it.
const COPY: &str = "journal.copy";

/// A journal that was written anew, but has not taken the old one's place yet.
#[derive(Debug)]
pub(super) struct Repaired {
    copy: PathBuf,
    journal: PathBuf,
}

/// Writes the newest journal in `dir` anew, without the batch that holds `mark` (and what follows
/// it). With `None`, all of it. The old journal stays as it is.
pub(super) fn rewrite(dir: &Path, mark: Option<&[u8]>) -> io::Result<Option<Repaired>> {
    let Some(journal) = newest(dir)? else { return Ok(None) };
    let bytes = fs::read(&journal)?;
    let end = mark.and_then(|mark| find_last(&bytes, mark)).unwrap_or(bytes.len());
    // The engine reserves space by zeros, which need not be copied.
    let end = bytes[..end].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let copy = dir.join(COPY);
    let written = write_synced(&copy, &bytes[..end]);
    if written.is_err() {
        // Gives back the space it took; what counts is the error.
        let _ = fs::remove_file(&copy);
    }
    written.map(|()| Some(Repaired { copy, journal }))
}

impl Repaired {
    /// Puts the copy in the journal's place. The engine must be closed.
    pub(super) fn install(self) -> io::Result<()> {
        fs::rename(&self.copy, &self.journal)?;
        match self.journal.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// The journal that is written to: the one with the highest number.
pub(super) fn newest(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest = None;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let number = name.strip_suffix(".jnl").and_then(|number| number.parse::<u64>().ok());
        newest = newest.max(number.map(|number| (number, path)));
    }
    Ok(newest.map(|(_, path)| path))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn find_last(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).rposition(|window| window == mark)
}
