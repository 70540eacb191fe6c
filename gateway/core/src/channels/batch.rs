//! A committed batch, encoded once per wire format and shared by every follower.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tidegate_protocol::sse::encode;
use tidegate_protocol::{Record, control};

/// Records of one stream, with their encodings. Dense, but for a new epoch that begins among them.
#[derive(Debug)]
pub struct Batch {
    records: Arc<[Record]>,
    /// Kept beside the records, so that finding a batch touches one cache line of it.
    first: u64,
    end: u64,
    bytes: usize,
    has_boundary: bool,
    sse: OnceLock<Bytes>,
}

impl Batch {
    /// `records` is not empty.
    pub fn new(records: Arc<[Record]>) -> Self {
        debug_assert!(!records.is_empty());
        let bytes = records.iter().map(Record::metered_len).sum();
        let has_boundary = records.iter().any(control::is_boundary);
        let (first, end) = (records[0].seq_num, records[records.len() - 1].seq_num + 1);
        Self { records, first, end, bytes, has_boundary, sse: OnceLock::new() }
    }

    /// Seq of the first record.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Seq after the last record.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Metered bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds a boundary, which write-scoped readers get with a fresh token: such a batch has no
    /// shared encoding for them.
    pub fn has_boundary(&self) -> bool {
        self.has_boundary
    }

    /// The records from seq `from` on.
    pub fn records_from(&self, from: u64) -> &[Record] {
        &self.records[self.records.partition_point(|record| record.seq_num < from)..]
    }

    /// The whole batch as one SSE event, for readers without a token of their own.
    pub fn sse(&self) -> Bytes {
        let encode = || {
            let mut frame = Vec::with_capacity(self.bytes + 64 * self.records.len() + 64);
            encode::batch(&mut frame, &self.records);
            frame.into()
        };
        self.sse.get_or_init(encode).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_protocol::NewRecord;

    #[test]
    fn an_epoch_may_begin_within() {
        let record = |seq| NewRecord::data(b"1", "x").at(seq, 0);
        let batch = Batch::new([5, 6, 1 << 32, (1 << 32) + 1].map(record).into());
        let left = |from| batch.records_from(from).iter().map(|r| r.seq_num).collect::<Vec<_>>();
        assert_eq!(left(6), [6, 1 << 32, (1 << 32) + 1]);
        // Of one that saw what the new epoch does not have, and of one in the new epoch.
        assert_eq!(left(20), [1 << 32, (1 << 32) + 1]);
        assert_eq!(left((1 << 32) + 1), [(1 << 32) + 1]);
    }
}
