//! Reads the data of a `batch` event back into records, as clients and tests need it.

use bytes::Bytes;
use serde::Deserialize;

use crate::record::{Header, Record};

/// The data of a `batch` event is not a batch.
#[derive(Debug, thiserror::Error)]
#[error("not a batch of records: {0}")]
pub struct BatchError(#[from] serde_json::Error);

/// Reads `{"records":[{seq_num, timestamp, body?, headers?}, …]}`. Unknown keys are ignored; an
/// absent or null body is empty, absent or null headers are none.
pub fn decode(data: &[u8]) -> Result<Vec<Record>, BatchError> {
    let batch: BatchJson = serde_json::from_slice(data)?;
    Ok(batch.records.into_iter().map(Record::from).collect())
}

#[derive(Deserialize)]
struct BatchJson {
    records: Vec<RecordJson>,
}

/// One record, as [`crate::record::RecordJson`] is written.
#[derive(Deserialize)]
pub(crate) struct RecordJson {
    seq_num: u64,
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    headers: Option<Vec<Header>>,
}

impl From<RecordJson> for Record {
    fn from(json: RecordJson) -> Self {
        Self {
            seq_num: json.seq_num,
            timestamp: json.timestamp,
            headers: json.headers.unwrap_or_default(),
            body: Bytes::from(json.body.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_absent() {
        let data = br#"{"tail":{"seq_num":9},"records":[
            {"seq_num":3,"timestamp":5},
            {"seq_num":4,"timestamp":6,"body":null,"headers":null,"new":1}]}"#;
        let records = decode(data).expect("a batch");
        assert_eq!(
            records.iter().map(|r| (r.seq_num, r.timestamp)).collect::<Vec<_>>(),
            [(3, 5), (4, 6)]
        );
        assert!(records.iter().all(|r| r.body.is_empty() && r.headers.is_empty()));
    }

    #[test]
    fn what_is_no_batch() {
        for bad in [
            "",
            "[DONE]",
            "{}",
            r#"{"records":{}}"#,
            r#"{"records":[{"timestamp":1}]}"#,
            r#"{"records":[{"seq_num":-1}]}"#,
            r#"{"records":[{"seq_num":1,"headers":{"a":"b"}}]}"#,
        ] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
