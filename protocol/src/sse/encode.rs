//! Encodes SSE events straight into a byte buffer (`spec/v1`, the SSE binding).
//!
//! A batch is encoded once per view class and shared by every reader of that class, so nothing that
//! varies by reader but the token of write-scoped readers is ever part of a frame.

use bytes::Bytes;

use crate::record::Record;
use crate::shown::{push_records, push_u64};

/// Between the id of a batch and its records.
const BEFORE_RECORDS: &[u8] = b"\nevent: batch\ndata: {\"records\":[";
const AFTER_RECORDS: &[u8] = b"]}\n\n";

/// The decoration after the last event of an AI SDK answer.
pub const DONE: &[u8] = b"data: [DONE]\n\n";
/// The end of a read on a gateway that drains (R-DRN-3).
pub const GO: &[u8] = b"retry: 100\n\ndata: [DONE]\n\n";

/// Encodes `records` as one `batch` event whose id is the last seq; nothing if there are none.
///
/// There is no `tail`: the documented shell recipe takes the last `"seq_num"` of the text for its
/// cursor (trap 32). Bytes of a body that are not UTF-8 become U+FFFD.
pub fn batch(out: &mut Vec<u8>, records: &[Record]) {
    encode_batch(out, records, None);
}

/// Like [`batch`], for a write-scoped reader: every boundary also carries `token` in its
/// `public-access-token` header.
pub fn batch_with_token(out: &mut Vec<u8>, records: &[Record], token: &str) {
    encode_batch(out, records, Some(token));
}

/// Encodes a `ping` event. `timestamp` is in Unix milliseconds, `tail` is the next seq.
pub fn ping(out: &mut Vec<u8>, timestamp: u64, tail: u64) {
    out.extend_from_slice(b"event: ping\ndata: {\"timestamp\":");
    push_u64(out, timestamp);
    out.extend_from_slice(b",\"tail\":{\"seq_num\":");
    push_u64(out, tail);
    out.extend_from_slice(b"}}\n\n");
}

/// Encodes an `error` event, which readers take for a dropped connection: they come back with
/// their cursor.
pub fn error(out: &mut Vec<u8>, message: &str) {
    out.extend_from_slice(b"event: error\n");
    data(out, message.as_bytes());
}

/// Encodes an event without a name. JSON normally holds no raw line break; one that does is spread
/// over several `data` lines, which the reader joins with LF again.
pub fn data(out: &mut Vec<u8>, json: &[u8]) {
    let mut rest = json;
    out.extend_from_slice(b"data: ");
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"\ndata: ");
        let break_len = if rest[at..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[at + break_len..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\n\n");
}

fn encode_batch(out: &mut Vec<u8>, records: &[Record], token: Option<&str>) {
    let Some(last) = records.last() else { return };
    // A batch of nothing but command records is no event.
    if records.iter().all(Record::is_command) {
        return;
    }
    out.extend_from_slice(b"id: ");
    push_u64(out, last.seq_num);
    out.extend_from_slice(BEFORE_RECORDS);
    push_records(out, records, token);
    out.extend_from_slice(AFTER_RECORDS);
}

/// The records of an event that [`batch`] wrote, as they stand between its brackets, so that other
/// bindings share the bytes.
pub fn records_of(event: &Bytes) -> Bytes {
    let begin = event.iter().position(|byte| *byte == b'\n').map(|at| at + BEFORE_RECORDS.len());
    match begin {
        Some(begin) => event.slice(begin..event.len() - AFTER_RECORDS.len()),
        None => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control;
    use crate::record::{Header, RecordJson};
    use crate::sse::batch as batch_data;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn any_record() -> impl Strategy<Value = Record> {
        let header = prop_oneof![
            any::<Header>(),
            Just((control::CONTROL.to_owned(), control::TURN_COMPLETE.to_owned())),
        ];
        let body = prop_oneof![any::<String>().prop_map(String::into_bytes), any::<Vec<u8>>()];
        (any::<u64>(), any::<u64>(), vec(header, 0..4), body).prop_map(
            |(seq_num, timestamp, headers, body)| Record {
                seq_num,
                timestamp,
                headers,
                body: body.into(),
            },
        )
    }

    /// The same event, made the slow way.
    fn by_serde(records: &[Record], token: Option<&str>) -> String {
        let mut shown = records.to_vec();
        shown.retain(|record| !record.is_command());
        if shown.is_empty() {
            return String::new();
        }
        for record in &mut shown {
            record.body = String::from_utf8_lossy(&record.body).into_owned().into();
            if let Some(token) = token.filter(|_| control::is_boundary(record)) {
                record.headers.push((control::ACCESS_TOKEN.to_owned(), token.to_owned()));
            }
        }
        let id = records.last().expect("a record").seq_num;
        let records: Vec<RecordJson<'_>> = shown
            .iter()
            .map(|record| RecordJson {
                seq_num: record.seq_num,
                timestamp: record.timestamp,
                body: std::str::from_utf8(&record.body).expect("made from text"),
                headers: &record.headers,
            })
            .collect();
        let json = serde_json::to_string(&records).expect("JSON");
        format!("id: {id}\nevent: batch\ndata: {{\"records\":{json}}}\n\n")
    }

    proptest! {
        #[test]
        fn batches_are_what_serde_would_write(
            records in vec(any_record(), 1..5),
            token in any::<Option<String>>(),
        ) {
            let mut out = Vec::new();
            match &token {
                None => batch(&mut out, &records),
                Some(token) => batch_with_token(&mut out, &records, token),
            }
            let text = String::from_utf8(out).expect("UTF-8");
            prop_assert_eq!(&text, &by_serde(&records, token.as_deref()));
            prop_assert!(matches!(text.lines().count(), 0 | 4));
            let mut shared = Vec::new();
            push_records(&mut shared, &records, token.as_deref());
            prop_assert_eq!(records_of(&text.into()), shared);
        }

        #[test]
        fn batches_read_back(mut records in vec(any_record(), 1..5)) {
            let mut out = b"left as it is".to_vec();
            let before = out.len();
            batch(&mut out, &records);
            let text = std::str::from_utf8(&out[before..]).expect("UTF-8");
            records.retain(|record| !record.is_command());
            if records.is_empty() {
                prop_assert_eq!(text, "");
                return Ok(());
            }
            let data = text.lines().nth(2).and_then(|line| line.strip_prefix("data: "));
            for record in &mut records {
                record.body = String::from_utf8_lossy(&record.body).into_owned().into();
            }
            let read = batch_data::decode(data.expect("a data line").as_bytes());
            prop_assert_eq!(read.expect("a batch"), records);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let body = Bytes::from_static(b"a\xffb\xe2\x82");
        let record = Record { seq_num: 1, timestamp: 2, headers: Vec::new(), body };
        let mut out = Vec::new();
        batch(&mut out, &[record]);
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.contains(r#""body":"a�b�""#), "{text}");
    }
}
