//! A committed batch, encoded once per wire format and shared by every follower.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tidegate_protocol::sse::encode;
use tidegate_protocol::{Record, control};

/// Dense records of one stream, with their encodings.
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
        let skip = from.saturating_sub(self.first());
        &self.records[usize::try_from(skip).unwrap_or(usize::MAX).min(self.records.len())..]
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
