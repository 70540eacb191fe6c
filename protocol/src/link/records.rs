//! Records on the link: `.in` and `.out` records as the SSE binding shows them, and what a worker
//! appends.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::record::{Header, Record, RecordJson};
use crate::sse::batch;

/// One entry of `records` in an `out` frame of mode `runs` (R-LNK-22).
#[derive(Clone, Debug)]
pub enum OutRecord {
    /// `{"data":chunk}`: a data record; the chunk keeps its bytes.
    Data(Box<RawValue>),
    /// `{"control":kind,"headers":{…}}`: a control record.
    Control {
        /// Value of its control header.
        kind: String,
        /// Its other headers, in order.
        headers: Vec<Header>,
    },
}

#[derive(Deserialize)]
struct Wire {
    data: Option<Box<RawValue>>,
    control: Option<String>,
    #[serde(default)]
    headers: Map<String, Value>,
}

impl OutRecord {
    /// Reads an entry.
    pub fn parse(raw: &RawValue) -> Result<Self, serde_json::Error> {
        let wire: Wire = serde_json::from_str(raw.get())?;
        match (wire.data, wire.control) {
            (Some(data), None) => Ok(Self::Data(data)),
            (None, Some(kind)) => {
                let header = |(name, value)| match value {
                    Value::String(text) => Ok((name, text)),
                    _ => Err(serde_json::Error::custom(format!("header {name:?} is no text"))),
                };
                let headers = wire.headers.into_iter().map(header).collect::<Result<_, _>>()?;
                Ok(Self::Control { kind, headers })
            }
            _ => Err(serde_json::Error::custom("a record has either `data` or `control`")),
        }
    }
}

/// As [`crate::sse::encode::batch`] writes each record; bytes that are not UTF-8 become U+FFFD.
pub(super) fn serialize<S: Serializer>(records: &[Record], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(records.iter().map(Shown))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Record>, D::Error> {
    let records = Vec::<batch::RecordJson>::deserialize(from)?;
    Ok(records.into_iter().map(Record::from).collect())
}

struct Shown<'a>(&'a Record);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Record { seq_num, timestamp, headers, body } = self.0;
        let body = &String::from_utf8_lossy(body);
        RecordJson { seq_num: *seq_num, timestamp: *timestamp, body, headers }.serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<OutRecord, serde_json::Error> {
        OutRecord::parse(&RawValue::from_string(text.to_owned()).expect("JSON"))
    }

    #[test]
    fn a_record_is_data_or_control() {
        let data = parse(r#"{"data":{"type":"x", "n":1e2},"later":1}"#).expect("a record");
        assert!(matches!(data, OutRecord::Data(raw) if raw.get() == r#"{"type":"x", "n":1e2}"#));
        let control = parse(r#"{"control":"k","headers":{"b":"1","a":"2"}}"#).expect("a record");
        let OutRecord::Control { kind, headers } = control else { panic!("not control") };
        assert_eq!(kind, "k");
        assert_eq!(headers, [("b".into(), "1".into()), ("a".into(), "2".into())]);
        for bad in ["{}", "[]", "1", r#"{"data":{},"control":"k"}"#] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(r#"{"control":"k","headers":{"a":1}}"#).is_err());
    }
}
