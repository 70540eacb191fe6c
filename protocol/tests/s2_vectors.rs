//! Runs `spec/v1/vectors/s2.json` against this crate.

use bytes::Bytes;
use serde::Deserialize;
use tidegate_protocol::Header;
use tidegate_protocol::s2::frame::{self, Decoder, FrameError};
use tidegate_protocol::s2::{AppendAck, AppendInput, InputError, Position, json, proto};

#[derive(Deserialize)]
struct Vectors {
    appends: Vec<AppendCase>,
    acks: Vec<AckCase>,
    frames: Vec<FrameCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppendCase {
    name: String,
    protobuf: Option<String>,
    json: Option<String>,
    records: Option<Vec<Stored>>,
    error: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    headers: Vec<Header>,
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AckCase {
    name: String,
    start: At,
    end: At,
    tail: At,
    protobuf: String,
    json: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct At {
    seq_num: u64,
    timestamp: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameCase {
    name: String,
    parts: Vec<String>,
    bodies: Vec<String>,
    error: Option<String>,
}

fn vectors() -> Vectors {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/v1/vectors/s2.json");
    let text = std::fs::read_to_string(path).expect("a vector file");
    serde_json::from_str(&text).expect("vectors")
}

#[test]
fn appends() {
    for case in vectors().appends {
        let name = &case.name;
        let forms = [
            case.protobuf.as_deref().map(|hex| proto::decode_input(bytes(hex))),
            case.json.as_deref().map(|text| json::decode_input(text.as_bytes())),
        ];
        assert!(forms.iter().any(Option::is_some), "{name}");
        for read in forms.into_iter().flatten() {
            let got = read.and_then(AppendInput::into_records).map(|records| {
                let stored = records.into_iter().map(|record| Stored {
                    headers: record.headers,
                    body: String::from_utf8(record.body.into()).expect("text"),
                });
                stored.collect::<Vec<_>>()
            });
            match (&case.records, &case.error) {
                (Some(records), None) => assert_eq!(got.as_ref(), Ok(records), "{name}"),
                (None, Some(error)) => {
                    let got = got.expect_err(name);
                    assert_eq!(append_error(&got), error, "{name}");
                }
                _ => panic!("{name} has records and an error, or neither"),
            }
        }
    }
}

#[test]
fn acks() {
    for case in vectors().acks {
        let at = |at: At| Position { seq_num: at.seq_num, timestamp: at.timestamp };
        let ack = AppendAck { start: at(case.start), end: at(case.end), tail: at(case.tail) };
        assert_eq!(proto::encode_ack(&ack), bytes(&case.protobuf), "{}", case.name);
        assert_eq!(proto::decode_ack(bytes(&case.protobuf)), Ok(ack), "{}", case.name);
        assert_eq!(json::encode_ack(&ack), case.json.as_bytes(), "{}", case.name);
    }
}

#[test]
fn frames() {
    for case in vectors().frames {
        let mut decoder = Decoder::default();
        let mut bodies = Vec::new();
        let mut end = Ok(());
        'parts: for part in &case.parts {
            decoder.push(&bytes(part));
            loop {
                match decoder.next_frame() {
                    Ok(Some(body)) => bodies.push(body),
                    Ok(None) => break,
                    Err(error) => {
                        end = Err(error);
                        break 'parts;
                    }
                }
            }
        }
        let end = end.and_then(|()| decoder.finish());
        let expected: Vec<_> = case.bodies.iter().map(|body| bytes(body)).collect();
        assert_eq!(bodies, expected, "{}", case.name);
        let error = end.err().map(|error| frame_error(error).to_owned());
        assert_eq!(error, case.error, "{}", case.name);
        if let ([part], [body], None) = (&case.parts[..], &bodies[..], &case.error) {
            let mut same = bytes(part).to_vec();
            same[3] = 0;
            assert_eq!(frame::encode(body), same, "{}", case.name);
        }
    }
}

fn append_error(error: &InputError) -> &'static str {
    match error {
        InputError::Malformed(_) => "malformed",
        InputError::Count(_) => "count",
        InputError::NotText(_) => "not_text",
        InputError::BadTrim(_) => "bad_trim",
        InputError::UnknownCommand(_) => "unknown_command",
        InputError::Condition => "condition",
    }
}

fn frame_error(error: FrameError) -> &'static str {
    match error {
        FrameError::TooLarge(_) => "too_large",
        FrameError::Empty => "empty",
        FrameError::Terminal => "terminal",
        FrameError::Compressed => "compressed",
        FrameError::CutOff => "cut_off",
    }
}

fn bytes(hex: &str) -> Bytes {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}
