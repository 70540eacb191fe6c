//! The records of the generator: what is sent, and how it is found again in a stream of events
//! without parsing JSON.

use std::io::Write;
use std::ops::Range;

use memchr::{memchr, memmem::Finder};

/// Bytes of a chunk's JSON, as in the published figures.
pub const BODY_BYTES: usize = 120;

const START: &[u8] = b"{\"type\":\"text-delta\",\"id\":\"t\",\"delta\":\"";
const SEQ: &[u8] = b"\"seq_num\":";

/// Which record of which session this is. It survives every level of JSON escaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Session of the run.
    pub session: u32,
    /// Place among the session's records.
    pub index: u32,
}

/// A record found in a stream.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its `seq_num`.
    pub seq: u64,
    /// Absent from records that the gateway made.
    pub marker: Option<Marker>,
    /// Everything up to the next `seq_num`.
    pub rest: &'a [u8],
}

/// Appends a text delta of exactly [`BODY_BYTES`] bytes.
pub fn write_body(marker: Marker, out: &mut Vec<u8>) {
    let end = out.len() + BODY_BYTES - 2;
    out.extend_from_slice(START);
    write!(out, "~{:06}.{:08}~", marker.session, marker.index).expect("a Vec takes every write");
    out.resize(end, b'x');
    out.extend_from_slice(b"\"}");
}

/// Appends the records `indexes` of a session as one bulk append.
pub fn write_bulk(session: u32, indexes: Range<u32>, out: &mut Vec<u8>) {
    let mut lead: &[u8] = b"{\"records\":[";
    for index in indexes {
        out.extend_from_slice(lead);
        out.extend_from_slice(b"{\"body\":\"{\\\"data\\\":");
        let start = out.len();
        write_body(Marker { session, index }, out);
        let body = out.split_off(start);
        for byte in body {
            if byte == b'"' {
                out.push(b'\\');
            }
            out.push(byte);
        }
        write!(out, ",\\\"id\\\":\\\"{session}-{index}\\\"}}\"}}")
            .expect("a Vec takes every write");
        lead = b",";
    }
    out.extend_from_slice(b"]}");
}

/// Finds records.
#[derive(Debug)]
pub struct Scanner {
    seq: Finder<'static>,
}

impl Default for Scanner {
    fn default() -> Self {
        Self { seq: Finder::new(SEQ) }
    }
}

impl Scanner {
    /// Hands every record of whole events to `sink`. A tail counts as a record without marker.
    pub fn scan<'a>(&self, events: &'a [u8], mut sink: impl FnMut(Record<'a>)) {
        let mut next = self.seq.find(events);
        while let Some(at) = next {
            let start = at + SEQ.len();
            let length = self.seq.find(&events[start..]);
            let rest = &events[start..length.map_or(events.len(), |length| start + length)];
            sink(Record { seq: number(rest), marker: marker(rest), rest });
            next = length.map(|length| start + length);
        }
    }
}

fn number(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

fn marker(text: &[u8]) -> Option<Marker> {
    let at = memchr(b'~', text)?;
    let text = text.get(at + 1..at + 17)?;
    if text[6] != b'.' || text[15] != b'~' {
        return None;
    }
    let part = |digits| u32::try_from(number(digits)).ok();
    Some(Marker { session: part(&text[..6])?, index: part(&text[7..15])? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_append_is_json() {
        let mut text = Vec::new();
        write_bulk(3, 7..9, &mut text);
        let bulk: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let inner = |at: usize| {
            let body = bulk["records"][at]["body"].as_str().expect("a string");
            serde_json::from_str::<serde_json::Value>(body).expect("JSON")
        };
        assert_eq!((inner(0)["id"].clone(), inner(1)["id"].clone()), ("3-7".into(), "3-8".into()));
        let chunk = inner(1)["data"].to_string();
        assert_eq!(
            (chunk.len(), marker(chunk.as_bytes())),
            (BODY_BYTES, Some(Marker { session: 3, index: 8 }))
        );
    }

    #[test]
    fn a_marker_survives_escaping() {
        let marker = Marker { session: 12, index: 345 };
        let mut body = Vec::new();
        write_body(marker, &mut body);
        assert_eq!(body.len(), BODY_BYTES);
        let text = String::from_utf8(body).expect("ASCII");
        let inner = serde_json::json!({ "data": text, "id": "p" }).to_string();
        let records =
            [serde_json::json!({ "seq_num": 7, "timestamp": 1, "body": inner, "headers": [] })];
        let batch = serde_json::json!({ "records": records, "tail": { "seq_num": 8 } });
        let events = format!("event: batch\ndata: {batch}\n\n");
        let mut seen = Vec::new();
        Scanner::default().scan(events.as_bytes(), |r| seen.push((r.seq, r.marker)));
        assert_eq!(seen, [(7, Some(marker)), (8, None)]);
    }
}
