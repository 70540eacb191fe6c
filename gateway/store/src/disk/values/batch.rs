//! A committed batch of records, as stored.

use bytes::Bytes;
use tidegate_protocol::Record;

use super::varint;

/// The batch that starts at the seq of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchValue {
    /// Metered bytes of all records of the stream before this batch, also those that are gone:
    /// with it, the newest batch and the floor tell how much the stream holds.
    pub(crate) total_before: u64,
    /// At least one.
    pub(crate) records: Vec<Record>,
}

/// Encodes a batch: total, count, timestamp, then the records. All records of a batch have one
/// timestamp.
pub(crate) fn encode(total_before: u64, records: &[Record]) -> Vec<u8> {
    let size: usize = records.iter().map(|record| record.metered_len() + 4).sum();
    let mut out = Vec::with_capacity(size + 24);
    varint::put(&mut out, total_before);
    varint::put(&mut out, records.len() as u64);
    varint::put(&mut out, records.first().map_or(0, |record| record.timestamp));
    for record in records {
        varint::put(&mut out, record.headers.len() as u64);
        for (name, value) in &record.headers {
            varint::put_bytes(&mut out, name.as_bytes());
            varint::put_bytes(&mut out, value.as_bytes());
        }
        varint::put_bytes(&mut out, &record.body);
    }
    out
}

/// Decodes the batch that starts at seq `first`; `None` if it is damaged. Bodies share `value`.
pub(crate) fn decode(first: u64, mut value: Bytes) -> Option<BatchValue> {
    let total_before = varint::take(&mut value)?;
    let count = varint::take(&mut value)?;
    let timestamp = varint::take(&mut value)?;
    let mut records = Vec::with_capacity(usize::try_from(count).ok()?.min(value.len()));
    for seq_num in (first..).take(usize::try_from(count).ok()?) {
        let headers = take_headers(&mut value)?;
        let body = varint::take_bytes(&mut value)?;
        records.push(Record { seq_num, timestamp, headers, body });
    }
    (value.is_empty() && !records.is_empty()).then_some(BatchValue { total_before, records })
}

fn take_headers(value: &mut Bytes) -> Option<Vec<(String, String)>> {
    let count = usize::try_from(varint::take(value)?).ok()?;
    let mut headers = Vec::with_capacity(count.min(value.len()));
    for _ in 0..count {
        headers.push((varint::take_text(value)?, varint::take_text(value)?));
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(
            first in 0..1u64 << 53,
            timestamp: u64,
            total_before: u64,
            parts in vec((vec((".*", ".*"), 0..3), ".*"), 1..5),
        ) {
            let record = |(seq_num, (headers, body)): (u64, (Vec<(String, String)>, String))| {
                Record { seq_num, timestamp, headers, body: body.into() }
            };
            let records: Vec<_> = (first..).zip(parts).map(record).collect();
            let stored = Bytes::from(encode(total_before, &records));
            let expected = BatchValue { total_before, records };
            prop_assert_eq!(decode(first, stored.clone()), Some(expected));
            prop_assert_eq!(decode(first, stored.slice(..stored.len() - 1)), None);
        }

        #[test]
        fn garbage_does_not_panic(garbage: Vec<u8>) {
            let _ = decode(0, garbage.into());
        }
    }
}
