//! Records as JSON bindings show them, written straight into a buffer.

use crate::control;
use crate::record::{Header, Record, write_json_string};

/// Room for the fixed text around one record.
const RECORD_FRAME_BYTES: usize = 96;

/// Appends `records` as JSON objects with commas between them: `seq_num`, `timestamp`, `body`,
/// `headers`. Command records are the store's (R-REC-4) and are left out. Every boundary also gets
/// `token`. Bytes of a body that are not UTF-8 become U+FFFD.
pub(crate) fn push_records(out: &mut Vec<u8>, records: &[Record], token: Option<&str>) {
    let bodies: usize = records.iter().map(|r| r.body.len() + r.body.len() / 8).sum();
    out.reserve(bodies + records.len() * RECORD_FRAME_BYTES);
    let shown = records.iter().filter(|record| !record.is_command());
    for (index, record) in shown.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_record(out, record, token.filter(|_| control::is_boundary(record)));
    }
}

fn push_record(out: &mut Vec<u8>, record: &Record, token: Option<&str>) {
    out.extend_from_slice(b"{\"seq_num\":");
    push_u64(out, record.seq_num);
    out.extend_from_slice(b",\"timestamp\":");
    push_u64(out, record.timestamp);
    out.extend_from_slice(b",\"body\":");
    match std::str::from_utf8(&record.body) {
        Ok(text) => write_json_string(out, text),
        Err(_) => write_json_string(out, &String::from_utf8_lossy(&record.body)),
    }
    out.extend_from_slice(b",\"headers\":[");
    push_headers(out, &record.headers, token);
    out.extend_from_slice(b"]}");
}

fn push_headers(out: &mut Vec<u8>, headers: &[Header], token: Option<&str>) {
    let stored = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fresh = token.map(|token| (control::ACCESS_TOKEN, token));
    for (index, (name, value)) in stored.chain(fresh).enumerate() {
        out.extend_from_slice(if index > 0 { b",[" } else { b"[" });
        write_json_string(out, name);
        out.push(b',');
        write_json_string(out, value);
        out.push(b']');
    }
}

/// Appends `value` in decimal.
pub(crate) fn push_u64(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_are_decimal(value: u64, shift in 0..64u32) {
            let mut out = Vec::new();
            push_u64(&mut out, value >> shift);
            prop_assert_eq!(out, (value >> shift).to_string().into_bytes());
        }
    }
}
