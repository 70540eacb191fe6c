//! Bounds one read.

use tidegate_core::seams::store::ReadLimit;
use tidegate_protocol::Record;

/// Collects records until a limit is reached. The first record is taken whatever its size.
#[derive(Debug)]
pub(crate) struct Reader {
    limit: ReadLimit,
    bytes: usize,
    pub(crate) records: Vec<Record>,
}

impl Reader {
    pub(crate) fn new(limit: ReadLimit) -> Self {
        Self { limit, bytes: 0, records: Vec::new() }
    }

    /// Takes `record` if it fits; `false` ends the read.
    pub(crate) fn take(&mut self, record: &Record) -> bool {
        let bytes = self.bytes + record.metered_len();
        let full = self.records.len() >= self.limit.records || bytes > self.limit.bytes;
        if full && !self.records.is_empty() {
            return false;
        }
        self.bytes = bytes;
        self.records.push(record.clone());
        true
    }
}
