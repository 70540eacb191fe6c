//! Mends the engine's journal after a failed write or an unclean end.
//!
//! A failed sync is treacherous: the kernel may take pages for clean that never reached the disk,
//! and the next sync of the same file "succeeds". Groups are synced one after the other, so only
//! the newest one can be affected. In a living process it failed, so it is cut off. After a
//! restart nobody knows, so its bytes are written once more and synced again, before anything is
//! put behind them. Neither needs space on the disk.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What every mark of a group starts with.
pub(super) const MARK: &[u8; 8] = b"tg-group";

/// A group starts less than this before its mark, which is its first entry.
const LEAD: usize = 4_096;

/// What zeros are looked for in.
const BLOCK: usize = 4_096;

/// Cuts off the group that holds `mark`, and what follows it. What is left of it has no end, so
/// the engine discards it. Nobody may have the journal open.
pub(super) fn cut(dir: &Path, mark: &[u8]) -> io::Result<()> {
    for journal in newest_first(dir)? {
        let mut file = File::options().read(true).write(true).open(journal)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        bytes.truncate(written(&bytes));
        if let Some(at) = find_last(&bytes, mark) {
            file.set_len(at as u64)?;
            return file.sync_all();
        }
    }
    Ok(())
}

/// Writes the newest group once more, in its place, and syncs it.
pub(super) fn renew(dir: &Path) -> io::Result<()> {
    let Some(journal) = newest_first(dir)?.into_iter().next() else { return Ok(()) };
    let mut file = File::options().read(true).write(true).open(journal)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    bytes.truncate(written(&bytes));
    let start = find_last(&bytes, MARK).unwrap_or(0).saturating_sub(LEAD);
    file.seek(SeekFrom::Start(start as u64))?;
    file.write_all(&bytes[start..])?;
    file.sync_all()
}

/// The journals in `dir`, from the one that is written to back to the oldest.
fn newest_first(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let number = name.strip_suffix(".jnl").and_then(|number| number.parse::<u64>().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    journals.sort_unstable_by(|a, b| b.cmp(a));
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

/// How much of a journal was written, to the block: the engine reserves space by zeros.
fn written(bytes: &[u8]) -> usize {
    let zeros = [0; BLOCK];
    let reserved = bytes.rchunks_exact(BLOCK).take_while(|block| *block == zeros).count();
    bytes.len() - reserved * BLOCK
}

fn find_last(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).rposition(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(dir: &Path, number: u64, content: &[u8]) -> PathBuf {
        let path = dir.join(format!("{number}.jnl"));
        fs::write(&path, content).expect("a journal");
        path
    }

    #[test]
    fn cuts_at_the_last_mark_of_the_newest_journal_that_has_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let old = journal(dir.path(), 9, b"..tg-group1..tg-group2..");
        let new = journal(dir.path(), 10, b"..tg-group3..");
        cut(dir.path(), b"tg-group2").expect("a cut");
        assert_eq!(fs::read(&old).expect("a journal"), b"..tg-group1..");
        cut(dir.path(), b"tg-group2").expect("nothing to cut");
        cut(dir.path(), MARK).expect("a cut");
        assert_eq!(fs::read(&new).expect("a journal"), b"..");
        assert_eq!(fs::read(&old).expect("a journal"), b"..tg-group1..");
    }

    #[test]
    fn renewing_changes_no_byte() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut content = vec![7; 3 * LEAD];
        content.extend_from_slice(b"tg-group and its entries");
        content.extend_from_slice(&[0; LEAD]);
        let path = journal(dir.path(), 0, &content);
        renew(dir.path()).expect("a renewal");
        assert_eq!(fs::read(path).expect("a journal"), content);
        let empty = tempfile::tempdir().expect("a directory");
        renew(empty.path()).expect("nothing to renew");
    }
}
