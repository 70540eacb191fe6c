//! Runs `spec/v1/vectors/duplex.json`: frames of the duplex binding, and texts that are none.

use serde::Deserialize;
use tidegate_protocol::duplex::{ClientFrame, GatewayFrame};
use tidegate_protocol::frame::FrameError;

const TEXT: &str = include_str!("../../spec/v1/vectors/duplex.json");

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    from: Side,
    text: String,
    json: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Client,
    Gateway,
}

fn read(case: &Case, text: &str) -> Result<String, FrameError> {
    match case.from {
        Side::Client => ClientFrame::parse(text).map(|frame| frame.to_json()),
        Side::Gateway => GatewayFrame::parse(text).map(|frame| frame.to_json()),
    }
}

fn reason(error: &FrameError) -> &'static str {
    match error {
        FrameError::NotAnObject(_) => "not_an_object",
        FrameError::UnknownType(_) => "unknown_type",
        FrameError::Fields { .. } => "fields",
        FrameError::TooLarge { .. } | FrameError::NotText => "transport",
    }
}

#[test]
fn every_frame_is_read_and_written_as_listed() {
    let vectors: Vectors = serde_json::from_str(TEXT).expect("vectors");
    assert!(vectors.cases.len() > 40);
    for case in &vectors.cases {
        let name = &case.name;
        match (&case.error, read(case, &case.text)) {
            (None, Ok(json)) => {
                assert_eq!(&json, case.json.as_ref().unwrap_or(&case.text), "{name}");
                assert_eq!(read(case, &json), Ok(json.clone()), "{name}, again");
            }
            (Some(expected), Err(error)) => assert_eq!(reason(&error), expected, "{name}"),
            (expected, got) => panic!("{name}: expected {expected:?}, got {got:?}"),
        }
    }
}
