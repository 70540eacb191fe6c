//! A batch of records, as one entry of a stream holds it. First come the metered sizes of all
//! records, four bytes each, which scripts read too; then each record's headers and body. The
//! length of a body follows from its record's size.

use bytes::{Buf, Bytes};
use tidegate_protocol::limits::RECORD_OVERHEAD_BYTES;
use tidegate_protocol::{NewRecord, Record};

/// Metered size of a header beyond its name and value.
const HEADER_OVERHEAD_BYTES: usize = 2;

/// Encodes a batch.
pub(super) fn encode(records: &[NewRecord]) -> Vec<u8> {
    let size: usize = records.iter().map(|record| record.metered_len() + 8).sum();
    let mut out = Vec::with_capacity(size);
    for record in records {
        put(&mut out, record.metered_len());
    }
    for record in records {
        put(&mut out, record.headers.len());
        for (name, value) in &record.headers {
            for text in [name, value] {
                put(&mut out, text.len());
                out.extend_from_slice(text.as_bytes());
            }
        }
        out.extend_from_slice(&record.body);
    }
    out
}

/// Decodes the `count` records from seq `first` on; `None` if they are damaged. Bodies share
/// `data`.
pub(super) fn decode(
    first: u64,
    count: u64,
    timestamp: u64,
    mut data: Bytes,
) -> Option<Vec<Record>> {
    let count = usize::try_from(count).ok()?;
    let table = count.checked_mul(4)?;
    let mut sizes = (table <= data.len()).then(|| data.split_to(table))?;
    let mut records = Vec::with_capacity(count);
    for seq_num in (first..).take(count) {
        let mut left = take(&mut sizes)?.checked_sub(RECORD_OVERHEAD_BYTES)?;
        let mut headers = Vec::new();
        for _ in 0..take(&mut data)? {
            let (name, value) = (take_text(&mut data)?, take_text(&mut data)?);
            left = left.checked_sub(name.len() + value.len() + HEADER_OVERHEAD_BYTES)?;
            headers.push((name, value));
        }
        let body = (left <= data.len()).then(|| data.split_to(left))?;
        records.push(Record { seq_num, timestamp, headers, body });
    }
    data.is_empty().then_some(records)
}

fn put(out: &mut Vec<u8>, number: usize) {
    // Limits keep all of them far below 2^32.
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    out.extend_from_slice(&number.to_be_bytes());
}

fn take(from: &mut Bytes) -> Option<usize> {
    from.try_get_u32().ok().map(|number| number as usize)
}

fn take_text(from: &mut Bytes) -> Option<String> {
    let len = take(from)?;
    let bytes = (len <= from.len()).then(|| from.split_to(len))?;
    std::str::from_utf8(&bytes).ok().map(str::to_owned)
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
            parts in vec((vec((".*", ".*"), 0..3), ".*"), 1..5),
        ) {
            let record = |(headers, body): (Vec<(String, String)>, String)| {
                NewRecord { headers, body: body.into() }
            };
            let records: Vec<_> = parts.into_iter().map(record).collect();
            let count = records.len() as u64;
            let stored = Bytes::from(encode(&records));
            let at = |(seq, record): (u64, NewRecord)| record.at(seq, timestamp);
            let expected: Vec<_> = (first..).zip(records).map(at).collect();
            let decoded = decode(first, count, timestamp, stored.clone());
            prop_assert_eq!(decoded, Some(expected));
            let cut = stored.slice(..stored.len() - 1);
            prop_assert_eq!(decode(first, count, timestamp, cut), None);
        }

        #[test]
        fn garbage_does_not_panic(garbage: Vec<u8>, count in 0..9u64) {
            let _ = decode(0, count, 0, garbage.into());
        }
    }
}
