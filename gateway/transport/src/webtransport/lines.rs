//! Cuts bytes into lines. Pure.

use bytes::{Bytes, BytesMut};

/// A line is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// See the module.
#[derive(Debug)]
pub(super) struct Lines {
    max: usize,
    held: BytesMut,
    /// Of what is held, this much has no line end.
    searched: usize,
}

impl Lines {
    pub(super) fn new(max: usize) -> Self {
        Self { max, held: BytesMut::new(), searched: 0 }
    }

    pub(super) fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        let end = self.held[self.searched..].iter().position(|byte| *byte == b'\n');
        let length = end.map_or(self.held.len(), |end| self.searched + end);
        if length > self.max {
            return Err(TooLong);
        }
        if end.is_none() {
            self.searched = length;
            return Ok(None);
        }
        self.searched = 0;
        let line = self.held.split_to(length + 1).freeze();
        if self.held.is_empty() {
            // So that a long line is not held by its successors.
            self.held = BytesMut::new();
        }
        Ok(Some(line.slice(..length)))
    }

    /// Is there the begin of a line?
    pub(super) fn is_within(&self) -> bool {
        !self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &mut Lines) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(line) = lines.next().expect("short") {
            all.push(String::from_utf8(line.to_vec()).expect("text"));
        }
        all
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let text = b"{\"t\":\"hello\"}\n\nx\n{}\n";
        for size in 1..=text.len() {
            let mut lines = Lines::new(20);
            let mut seen = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece);
                seen.extend(all(&mut lines));
            }
            assert_eq!(seen, ["{\"t\":\"hello\"}", "", "x", "{}"], "{size}");
            assert!(!lines.is_within());
        }
    }

    #[test]
    fn a_line_may_be_so_long_and_no_longer() {
        let mut lines = Lines::new(4);
        lines.push(b"abcd\nabcd");
        assert_eq!(all(&mut lines), ["abcd"]);
        assert!(lines.is_within());
        lines.push(b"e");
        assert_eq!(lines.next(), Err(TooLong));
        let mut lines = Lines::new(4);
        lines.push(b"abcde\n");
        assert_eq!(lines.next(), Err(TooLong));
    }
}
