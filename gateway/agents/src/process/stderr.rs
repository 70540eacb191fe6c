//! The error output: read so that it never blocks the child, dropped but for its end (R-PRC-9).

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;

use super::pipe;

/// Bytes of the end that are kept.
const KEPT_BYTES: usize = 4 * 1024;
/// What is shown of them: the last lines, one at least, up to so many bytes with their ends.
const SHOWN_BYTES: usize = 200;

/// One child's error output.
#[derive(Debug)]
pub(super) struct Stderr {
    /// `None` once it has ended.
    pipe: Option<ChildStderr>,
    end: Vec<u8>,
}

impl Stderr {
    pub(super) fn new(pipe: ChildStderr) -> Self {
        Self { pipe: Some(pipe), end: Vec::new() }
    }

    /// Has everybody closed it?
    pub(super) fn is_over(&self) -> bool {
        self.pipe.is_none()
    }

    /// Waits for some of it, or its end. May be dropped at any point.
    pub(super) async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        self.end.reserve(KEPT_BYTES);
        match pipe.read_buf(&mut self.end).await {
            Ok(count) if count > 0 => keep_end(&mut self.end),
            _ => self.pipe = None,
        }
    }

    /// Reads what is there already; the last lines of all.
    pub(super) fn last_lines(&mut self) -> String {
        if let Some(pipe) = &self.pipe {
            pipe::drain(pipe, |bytes| {
                self.end.extend_from_slice(bytes);
                keep_end(&mut self.end);
            });
        }
        last_lines(&self.end)
    }
}

fn last_lines(end: &[u8]) -> String {
    // A line without its start may start inside of a secret, which would not be recognised.
    let whole = match end.len() < KEPT_BYTES {
        true => end,
        false => end.iter().position(|byte| *byte == b'\n').map_or(&[][..], |at| &end[at..]),
    };
    let text = String::from_utf8_lossy(whole);
    let mut shown: Vec<&str> = Vec::new();
    let mut left = SHOWN_BYTES;
    for line in text.lines().rev().map(str::trim).filter(|line| !line.is_empty()) {
        match left.checked_sub(line.len() + 1) {
            Some(less) => left = less,
            None if shown.is_empty() => left = 0,
            None => break,
        }
        shown.push(line);
    }
    shown.reverse();
    shown.join("\n")
}

fn keep_end(bytes: &mut Vec<u8>) {
    bytes.drain(..bytes.len().saturating_sub(KEPT_BYTES));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown() {
        assert_eq!(last_lines(b""), "");
        assert_eq!(last_lines(b"\n \none\r\n\n two\xff\n\n"), "one\ntwo\u{fffd}");
        let long = "x".repeat(2 * SHOWN_BYTES);
        assert_eq!(last_lines(format!("one\n{long}\ntwo\nthree").as_bytes()), "two\nthree");
        assert_eq!(last_lines(format!("one\n{long}\n").as_bytes()), long);
    }

    #[test]
    fn a_line_that_lost_its_start_is_not_shown() {
        let mut end = format!("{}\nlast", "x".repeat(KEPT_BYTES)).into_bytes();
        keep_end(&mut end);
        assert_eq!(last_lines(&end), "last");
        let mut end = vec![b'x'; KEPT_BYTES + 1];
        keep_end(&mut end);
        assert_eq!(last_lines(&end), "");
    }
}
