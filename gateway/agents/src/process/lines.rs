//! Output, cut into lines.

use bytes::{Bytes, BytesMut};
use tidegate_protocol::limits::{ANSWER_MAX_BYTES, RECORD_MAX_BYTES};

use crate::upstream::Broken;

/// All output of a child. JSON around text is larger than what is kept of it.
const OUTPUT_MAX_BYTES: usize = 4 * ANSWER_MAX_BYTES;
/// Read at once: what a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Bytes that are no whole line yet, and lines that were not taken yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: BytesMut,
    /// There is no line's end before this.
    searched: usize,
    received: usize,
}

impl Lines {
    /// Where to put what is read next; [`Self::took`] must follow.
    pub(super) fn space(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    /// `count` bytes were put into [`Self::space`].
    pub(super) fn took(&mut self, count: usize) {
        self.received += count;
    }

    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.took(bytes.len());
    }

    /// The next whole line, without its end.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        if self.received > OUTPUT_MAX_BYTES {
            let reason = format!("wrote more than {OUTPUT_MAX_BYTES} bytes");
            return Err(Broken::invalid(reason));
        }
        let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let length = end.map_or(self.buffer.len(), |end| self.searched + end);
        if length > RECORD_MAX_BYTES {
            let reason = format!("wrote a line of more than {RECORD_MAX_BYTES} bytes");
            return Err(Broken::invalid(reason));
        }
        if end.is_none() {
            self.searched = length;
            return Ok(None);
        }
        self.searched = 0;
        let line = self.buffer.split_to(length + 1).freeze();
        Ok(Some(line.slice(..length)))
    }

    /// A last line that has no end.
    pub(super) fn rest(&mut self) -> Bytes {
        self.searched = 0;
        self.buffer.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_wherever_they_are_cut() {
        let text = b"one\n\ntwo\r\nthr\xc3\xa9e\nrest";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for part in text.chunks(size) {
                lines.push(part);
                while let Some(line) = lines.next().unwrap() {
                    found.push(line);
                }
            }
            assert_eq!(found, [&b"one"[..], b"", b"two\r", b"thr\xc3\xa9e"], "{size}");
            assert_eq!(lines.rest(), "rest");
        }
    }

    #[test]
    fn a_line_ends_at_its_limit_with_or_without_its_end() {
        let longest = vec![b'x'; RECORD_MAX_BYTES];
        let mut lines = Lines::default();
        lines.push(&longest);
        assert_eq!(lines.next().unwrap(), None);
        lines.push(b"\n");
        assert_eq!(lines.next().unwrap().map(|line| line.len()), Some(RECORD_MAX_BYTES));
        for more in [&b"x"[..], b"x\n"] {
            let mut lines = Lines::default();
            lines.push(&longest);
            lines.push(more);
            assert!(lines.next().unwrap_err().reason.contains(&RECORD_MAX_BYTES.to_string()));
        }
    }

    #[test]
    fn output_ends_at_its_limit() {
        let mut lines = Lines::default();
        let mut line = vec![b' '; RECORD_MAX_BYTES];
        line[RECORD_MAX_BYTES - 1] = b'\n';
        for _ in 0..OUTPUT_MAX_BYTES / RECORD_MAX_BYTES {
            lines.push(&line);
            while lines.next().unwrap().is_some() {}
        }
        lines.push(b"\n");
        assert!(lines.next().unwrap_err().reason.contains(&OUTPUT_MAX_BYTES.to_string()));
    }
}
