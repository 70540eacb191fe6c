//! The messages of S2 in JSON.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::input::{AppendAck, AppendInput, InputError, InputRecord, Position};

#[derive(Deserialize)]
struct InputJson {
    records: Vec<RecordJson>,
    #[serde(default)]
    match_seq_num: Option<u64>,
    #[serde(default)]
    fencing_token: Option<String>,
}

#[derive(Deserialize)]
struct RecordJson {
    #[serde(default)]
    timestamp: Option<u64>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

#[derive(Serialize)]
struct AckJson {
    start: PositionJson,
    end: PositionJson,
    tail: PositionJson,
}

#[derive(Serialize)]
struct PositionJson {
    seq_num: u64,
    timestamp: u64,
}

/// Reads an append.
pub fn decode_input(bytes: &[u8]) -> Result<AppendInput, InputError> {
    // Serde would also take an array for a struct.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(InputError::Malformed("it is not a JSON object".to_owned()));
    }
    let input: InputJson =
        serde_json::from_slice(bytes).map_err(|error| InputError::Malformed(error.to_string()))?;
    let records = input.records.into_iter().map(RecordJson::into_record).collect();
    let (match_seq_num, fencing_token) = (input.match_seq_num, input.fencing_token);
    Ok(AppendInput { records, match_seq_num, fencing_token })
}

/// Writes an acknowledgement.
pub fn encode_ack(ack: &AppendAck) -> Vec<u8> {
    let position = |at: Position| PositionJson { seq_num: at.seq_num, timestamp: at.timestamp };
    let ack =
        AckJson { start: position(ack.start), end: position(ack.end), tail: position(ack.tail) };
    serde_json::to_vec(&ack).expect("numbers are JSON")
}

impl RecordJson {
    fn into_record(self) -> InputRecord {
        let pair = |(name, value)| (Bytes::from(name), Bytes::from(value));
        InputRecord {
            timestamp: self.timestamp,
            headers: self.headers.into_iter().map(pair).collect(),
            body: self.body.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(text: String, bytes: Vec<u8>) {
            let _ = decode_input(text.as_bytes());
            let _ = decode_input(&bytes);
            let _ = decode_input(format!("{{\"records\":[{text}]}}").as_bytes());
        }
    }
}
