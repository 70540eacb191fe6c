//! Records: the immutable units of a stream (`spec/v1/records.md`).

use bytes::Bytes;
use serde::Serialize;

use crate::limits::RECORD_OVERHEAD_BYTES;

/// One `[name, value]` pair. A record whose first header has an empty name is a command record
/// (R-REC-4) and is never shown to an application.
pub type Header = (String, String);

/// A record as stored: its place in the stream is fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the stream: from 0, dense within an epoch, never reused (R-REC-1).
    pub seq_num: u64,
    /// Unix milliseconds, given by the store, never decreasing within a stream.
    pub timestamp: u64,
    /// Header pairs, in order.
    pub headers: Vec<Header>,
    /// UTF-8 text; an envelope (`{"data":…,"id":…}`) for data, empty for control records.
    pub body: Bytes,
}

/// A record that has no place yet: the store assigns `seq_num` and `timestamp`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// Header pairs, in order.
    pub headers: Vec<Header>,
    /// UTF-8 text.
    pub body: Bytes,
}

impl Record {
    /// The value of the first header called `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Is this a store command (trim, fence), which readers skip?
    pub fn is_command(&self) -> bool {
        self.headers.first().is_some_and(|(name, _)| name.is_empty())
    }

    /// Metered size in bytes: what limits and retention count.
    pub fn metered_len(&self) -> usize {
        metered_len(&self.headers, &self.body)
    }
}

impl NewRecord {
    /// A data record on `.out`: `data` is the raw JSON of the chunk, written unchanged (R-OUT-5).
    pub fn data(data: &[u8], id: &str) -> Self {
        let mut body = Vec::with_capacity(data.len() + id.len() + 17);
        body.extend_from_slice(b"{\"data\":");
        body.extend_from_slice(data);
        body.extend_from_slice(b",\"id\":");
        write_json_string(&mut body, id);
        body.push(b'}');
        Self { headers: Vec::new(), body: body.into() }
    }

    /// A data record whose `data` is a JSON *string* holding `text` (`.in` and side channels,
    /// R-IN-2).
    pub fn text(text: &str, id: &str) -> Self {
        let mut data = Vec::with_capacity(text.len() + 16);
        write_json_string(&mut data, text);
        Self::data(&data, id)
    }

    /// The value of the first header called `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Metered size in bytes.
    pub fn metered_len(&self) -> usize {
        metered_len(&self.headers, &self.body)
    }

    /// Gives the record its place.
    pub fn at(self, seq_num: u64, timestamp: u64) -> Record {
        Record { seq_num, timestamp, headers: self.headers, body: self.body }
    }
}

fn header<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

fn metered_len(headers: &[Header], body: &[u8]) -> usize {
    let headers: usize = headers.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
    RECORD_OVERHEAD_BYTES + headers + body.len()
}

/// Appends `text` as a JSON string literal.
pub fn write_json_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing a string to a Vec cannot fail");
}

/// The envelope of a data record, read back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Envelope<'a> {
    /// Raw JSON: a chunk object on `.out`, a JSON string on `.in`.
    #[serde(borrow)]
    pub data: RawData<'a>,
    /// The part id (idempotency key on `.in`, per-connection dedupe key on `.out`).
    #[serde(default)]
    pub id: String,
}

/// Borrowed raw JSON of an envelope's `data`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(transparent)]
pub struct RawData<'a>(#[serde(borrow)] pub &'a serde_json::value::RawValue);

impl PartialEq for RawData<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for RawData<'_> {}

impl<'a> Envelope<'a> {
    /// Reads the envelope of `record`; `None` for control records and foreign bodies.
    pub fn of(record: &'a Record) -> Option<Self> {
        serde_json::from_slice(&record.body).ok()
    }
}

/// A record as JSON bindings show it: `body` as text.
#[derive(Debug, Serialize)]
pub struct RecordJson<'a> {
    /// See [`Record::seq_num`].
    pub seq_num: u64,
    /// See [`Record::timestamp`].
    pub timestamp: u64,
    /// See [`Record::body`].
    pub body: &'a str,
    /// See [`Record::headers`].
    pub headers: &'a [Header],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_keeps_the_chunk_bytes_and_escapes_the_id() {
        let record = NewRecord::data(br#"{"type":"x", "n":1e2}"#, "a\"b").at(3, 9);
        assert_eq!(&record.body[..], br#"{"data":{"type":"x", "n":1e2},"id":"a\"b"}"#);
        let envelope = Envelope::of(&record).expect("an envelope");
        assert_eq!(envelope.data.0.get(), r#"{"type":"x", "n":1e2}"#);
        assert_eq!(envelope.id, "a\"b");
    }

    #[test]
    fn text_is_a_json_string() {
        let record = NewRecord::text("raw \"text\"\n", "p").at(0, 0);
        assert_eq!(&record.body[..], br#"{"data":"raw \"text\"\n","id":"p"}"#);
    }

    #[test]
    fn command_records_have_an_empty_first_header_name() {
        let mut record = NewRecord::default().at(0, 0);
        assert!(!record.is_command());
        record.headers.push((String::new(), "trim".into()));
        assert!(record.is_command());
    }
}
