//! Exactly once, in order, for one reader of one session.

/// Counts what is wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Check {
    /// The index that comes next: as many were received, unless some were skipped.
    pub(crate) next: u32,
    /// Received again.
    pub(crate) duplicated: u64,
    /// Came before one that was due earlier, or with a `seq_num` that does not follow.
    pub(crate) reordered: u64,
    /// Skipped over.
    pub(crate) skipped: u64,
    last_seq: Option<u64>,
}

impl Check {
    /// Of a reader that begins at `index`.
    pub(crate) fn from(index: u32) -> Self {
        Self { next: index, ..Self::default() }
    }

    /// One record.
    pub(crate) fn see(&mut self, seq: u64, index: u32) {
        let follows = self.last_seq.is_none_or(|last| seq == last + 1);
        self.last_seq = Some(seq);
        if index < self.next {
            self.duplicated += 1;
        } else {
            let jumped = index - self.next;
            self.skipped += u64::from(jumped);
            self.reordered += u64::from(jumped > 0 || !follows);
            self.next = index + 1;
        }
    }

    /// Of `sent` records, how many never came.
    pub(crate) fn lost(&self, sent: u32) -> u64 {
        self.skipped + u64::from(sent.saturating_sub(self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(records: &[(u64, u32)]) -> (u64, u64, u64) {
        let mut check = Check::default();
        for (seq, index) in records {
            check.see(*seq, *index);
        }
        (check.lost(4), check.duplicated, check.reordered)
    }

    #[test]
    fn faults_are_counted_apart() {
        assert_eq!(after(&[(7, 0), (8, 1), (9, 2), (10, 3)]), (0, 0, 0));
        assert_eq!(after(&[(0, 0), (1, 1)]), (2, 0, 0));
        assert_eq!(after(&[(0, 0), (1, 1), (2, 1), (3, 2), (4, 3)]), (0, 1, 0));
        assert_eq!(after(&[(0, 0), (2, 2), (3, 3)]), (1, 0, 1));
        assert_eq!(after(&[(0, 0), (2, 1), (3, 2), (4, 3)]), (0, 0, 1));
    }
}
