//! Runs `spec/v1/vectors/link.json`: frames of the agent link, and messages that are none.

use serde::Deserialize;
use tidegate_protocol::frame::FrameError;
use tidegate_protocol::link::{GatewayFrame, WorkerFrame};

const TEXT: &str = include_str!("../../spec/v1/vectors/link.json");

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
    Worker,
    Gateway,
}

fn read(case: &Case, text: &str) -> Result<String, FrameError> {
    match case.from {
        Side::Worker => WorkerFrame::parse(text).map(|frame| frame.to_json()),
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
fn every_message_is_read_and_written_as_listed() {
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

#[test]
fn a_frame_names_its_work_and_its_place() {
    let vectors: Vectors = serde_json::from_str(TEXT).expect("vectors");
    for case in vectors.cases.iter().filter(|case| case.error.is_none()) {
        let json = tidegate_protocol::ui::parse_js(&case.text).expect("JSON");
        let (id, seq) = (json["id"].as_str(), json["seq"].as_u64());
        match case.from {
            Side::Worker => {
                let frame = WorkerFrame::parse(&case.text).expect("a frame");
                assert_eq!((frame.work_id(), frame.seq()), (id, seq), "{}", case.name);
            }
            Side::Gateway => {
                let frame = GatewayFrame::parse(&case.text).expect("a frame");
                assert_eq!(frame.work_id(), id, "{}", case.name);
            }
        }
    }
}
