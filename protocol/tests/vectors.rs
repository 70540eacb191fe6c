//! Runs every vector file of `spec/v1/vectors/` against this crate (`vectors_link.rs`: the link's).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tidegate_protocol::ids::{Channel, Direction};
use tidegate_protocol::sse::decode::{DecodeError, Decoder};
use tidegate_protocol::sse::{batch, encode};
use tidegate_protocol::token::claims::Claims;
use tidegate_protocol::token::duration::{ExpirationError, expires_at};
use tidegate_protocol::token::jwt::{self, TokenError};
use tidegate_protocol::token::key::KeyShape;
use tidegate_protocol::token::scope::{Action, Grants, Resource, Scope, ScopeError};
use tidegate_protocol::transcript::{self, Blob, Entry, TranscriptError};
use tidegate_protocol::{Header, Record, cursor};

const FILES: [&str; 9] = [
    "cursors",
    "duplex",
    "link",
    "s2",
    "scopes",
    "sse-decode",
    "sse-encode",
    "tokens",
    "transcript",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/v1/vectors")
}

/// The cases of one section of a file; a file that grew a section fails [`every_file_is_run`].
fn cases<T: DeserializeOwned>(file: &str, section: &str) -> Vec<T> {
    let text = fs::read_to_string(folder().join(format!("{file}.json"))).expect("a vector file");
    let mut vectors: Value = serde_json::from_str(&text).expect("JSON");
    let cases: Vec<T> = serde_json::from_value(vectors[section].take())
        .unwrap_or_else(|error| panic!("{file}.json, {section}: {error}"));
    assert!(!cases.is_empty(), "{file}.json, {section} is empty");
    cases
}

#[test]
fn every_file_is_run() {
    let found: BTreeSet<String> = fs::read_dir(folder())
        .expect("the vectors folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    assert_eq!(found, FILES.iter().map(|name| format!("{name}.json")).collect());
    let known = BTreeSet::from([
        "protocol",
        "about",
        "cases",
        "parse",
        "render",
        "sign",
        "verify",
        "key_shapes",
        "expirations",
        "appends",
        "acks",
        "frames",
    ]);
    for file in FILES {
        let text = fs::read_to_string(folder().join(format!("{file}.json"))).expect("a file");
        let vectors: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("JSON");
        assert_eq!(vectors["protocol"], 1, "{file}");
        for section in vectors.keys() {
            assert!(known.contains(section.as_str()), "{file}.json: nobody runs {section}");
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordJson {
    seq_num: u64,
    timestamp: u64,
    body: String,
    headers: Vec<Header>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "op", rename_all = "lowercase")]
enum Encode {
    Batch { name: String, records: Vec<RecordJson>, token: Option<String>, bytes: String },
    Ping { name: String, timestamp: u64, tail: u64, bytes: String },
    Error { name: String, text: String, bytes: String },
    Data { name: String, text: String, bytes: String },
    Done { name: String, bytes: String },
}

#[test]
fn sse_encode() {
    for case in cases::<Encode>("sse-encode", "cases") {
        let mut out = Vec::new();
        let (name, bytes) = match case {
            Encode::Batch { name, records, token, bytes } => {
                let records: Vec<Record> = records.into_iter().map(record).collect();
                match &token {
                    None => encode::batch(&mut out, &records),
                    Some(token) => encode::batch_with_token(&mut out, &records, token),
                }
                if token.is_none() && !out.is_empty() {
                    assert_eq!(read_batch(&out), records, "{name}");
                }
                (name, bytes)
            }
            Encode::Ping { name, timestamp, tail, bytes } => {
                encode::ping(&mut out, timestamp, tail);
                (name, bytes)
            }
            Encode::Error { name, text, bytes } => {
                encode::error(&mut out, &text);
                (name, bytes)
            }
            Encode::Data { name, text, bytes } => {
                encode::data(&mut out, text.as_bytes());
                (name, bytes)
            }
            Encode::Done { name, bytes } => {
                out.extend_from_slice(encode::DONE);
                (name, bytes)
            }
        };
        assert_eq!(String::from_utf8(out).expect("UTF-8"), bytes, "{name}");
    }
}

fn record(json: RecordJson) -> Record {
    Record {
        seq_num: json.seq_num,
        timestamp: json.timestamp,
        headers: json.headers,
        body: json.body.into(),
    }
}

fn read_batch(bytes: &[u8]) -> Vec<Record> {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(&Bytes::copy_from_slice(bytes));
    let event = decoder.next().expect("an event").expect("no error");
    assert_eq!(event.event.as_deref(), Some("batch"));
    batch::decode(&event.data).expect("a batch")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decode {
    name: String,
    body: String,
    events: Vec<Value>,
    cut: bool,
    error: Option<String>,
    max_event_bytes: Option<usize>,
}

#[test]
fn sse_decode() {
    for case in cases::<Decode>("sse-decode", "cases") {
        let body = Bytes::from(case.body.clone());
        for size in 1..=body.len().max(1) {
            let mut decoder = Decoder::new(case.max_event_bytes.unwrap_or(usize::MAX));
            for start in (0..body.len()).step_by(size) {
                decoder.push(&body.slice(start..(start + size).min(body.len())));
            }
            let (name, cut) = (&case.name, decoder.finish());
            let mut events = Vec::new();
            let mut error = None;
            for item in decoder {
                assert_eq!(error, None, "{name}: something came after the error");
                match item {
                    Ok(event) => events.push(json!({
                        "event": event.event, "id": event.id, "retry": event.retry,
                        "data": String::from_utf8(event.data.to_vec()).expect("UTF-8"),
                    })),
                    Err(DecodeError::TooLarge { .. }) => error = Some("too_large".to_owned()),
                }
            }
            let expected: Vec<Value> = case.events.iter().map(with_nulls).collect();
            let got = (events, error, cut);
            assert_eq!(got, (expected, case.error.clone(), case.cut), "{name}, size {size}");
        }
    }
}

fn with_nulls(event: &Value) -> Value {
    json!({
        "event": event["event"], "id": event["id"], "retry": event["retry"],
        "data": event["data"],
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    last_event_id: String,
    after: Option<u64>,
    error: Option<String>,
}

#[test]
fn cursors() {
    for case in cases::<Cursor>("cursors", "cases") {
        let got = cursor::parse_last_event_id(&case.last_event_id);
        let got = got.map_err(|_| "invalid_cursor".to_owned());
        let expected = case.error.map_or(Ok(case.after), Err);
        assert_eq!(got, expected, "{:?}", case.last_event_id);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeParse {
    scope: String,
    error: Option<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct ScopeCase {
    grants: Vec<String>,
    action: String,
    resource: ResourceJson,
    allowed: bool,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "kebab-case")]
enum ResourceJson {
    Session { ids: Vec<String>, channel: Option<ChannelJson> },
    Task { id: String },
    AllSessions,
    AllTasks,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct ChannelJson {
    side: Option<String>,
    direction: String,
}

#[test]
fn scopes() {
    for case in cases::<ScopeParse>("scopes", "parse") {
        let error = Scope::parse(&case.scope).err().map(|error| match error {
            ScopeError::BlankAction => "blank_action",
            ScopeError::BlankType => "blank_type",
            ScopeError::BlankId => "blank_id",
        });
        assert_eq!(error, case.error.as_deref(), "{:?}", case.scope);
    }
    for case in cases::<ScopeCase>("scopes", "cases") {
        let action = Action::parse(&case.action).expect("an action");
        let grants = Grants::new(&case.grants);
        let allowed = match &case.resource {
            ResourceJson::Session { ids, channel } => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                let channel = channel.as_ref().map(channel_of);
                let channel = channel.as_ref();
                grants.allows(action, &Resource::Session { ids: &ids, channel })
            }
            ResourceJson::Task { id } => grants.allows(action, &Resource::Task(id)),
            ResourceJson::AllSessions => grants.allows(action, &Resource::AllSessions),
            ResourceJson::AllTasks => grants.allows(action, &Resource::AllTasks),
        };
        assert_eq!(allowed, case.allowed, "{case:?}");
    }
}

fn channel_of(json: &ChannelJson) -> Channel {
    let direction = Direction::parse(&json.direction).expect("a direction");
    match &json.side {
        None => Channel { side: None, direction },
        Some(name) => Channel::side(name, direction).expect("a channel name"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    name: String,
    key: String,
    claims: Claims,
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    name: String,
    key: String,
    now: u64,
    token: String,
    claims: Option<Claims>,
    error: Option<String>,
}

#[test]
fn tokens() {
    for case in cases::<Sign>("tokens", "sign") {
        assert_eq!(jwt::sign(&case.claims, case.key.as_bytes()), case.token, "{}", case.name);
    }
    for case in cases::<Verify>("tokens", "verify") {
        let got = jwt::verify(&case.token, case.key.as_bytes(), case.now);
        let expected = case.claims.ok_or_else(|| case.error.expect("claims or an error"));
        assert_eq!(got.map_err(|error| token_error(error).to_owned()), expected, "{}", case.name);
    }
}

fn token_error(error: TokenError) -> &'static str {
    match error {
        TokenError::Malformed => "malformed",
        TokenError::TooLong => "too_long",
        TokenError::UnsupportedAlgorithm => "unsupported_algorithm",
        TokenError::WrongType => "wrong_type",
        TokenError::BadSignature => "bad_signature",
        TokenError::WrongIssuer => "wrong_issuer",
        TokenError::WrongAudience => "wrong_audience",
        TokenError::NotPublic => "not_public",
        TokenError::NotYetValid => "not_yet_valid",
        TokenError::Expired => "expired",
    }
}

#[test]
fn keys_and_expirations() {
    for case in cases::<Value>("tokens", "key_shapes") {
        let shape = match KeyShape::of(case["key"].as_str().expect("a key")) {
            KeyShape::Minting => "minting",
            KeyShape::Root => "root",
        };
        assert_eq!(shape, case["shape"], "{case}");
    }
    for case in cases::<Value>("tokens", "expirations") {
        let got = match expires_at(case.get("given"), case["now"].as_u64().expect("now")) {
            Ok(at) => json!({"at": at}),
            Err(ExpirationError::Invalid) => json!({"error": "invalid"}),
            Err(ExpirationError::Past) => json!({"error": "past"}),
            Err(ExpirationError::TooFar) => json!({"error": "too_far"}),
        };
        assert_eq!((&got["at"], &got["error"]), (&case["at"], &case["error"]), "{case}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlobJson {
    saved_at: u64,
    last_out_event_id: Option<String>,
    last_in_event_id: Option<String>,
    state: Value,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transcript {
    name: String,
    text: String,
    blob: Option<BlobJson>,
    error: Option<String>,
}

#[test]
fn transcripts() {
    for case in cases::<Transcript>("transcript", "render") {
        let blob = blob(case.blob.expect("a blob"));
        let rendered = String::from_utf8(transcript::render(&blob)).expect("UTF-8");
        assert_eq!(rendered, case.text, "{}", case.name);
        assert_eq!(transcript::parse(rendered.as_bytes()).expect("a blob"), blob, "{}", case.name);
    }
    for case in cases::<Transcript>("transcript", "parse") {
        let got = transcript::parse(case.text.as_bytes()).map_err(|error| match error {
            TranscriptError::Json(_) => "json".to_owned(),
            TranscriptError::UnknownVersion => "unknown_version".to_owned(),
        });
        let expected = case.blob.map(blob).ok_or_else(|| case.error.expect("a blob or an error"));
        assert_eq!(got, expected, "{}", case.name);
    }
}

fn blob(json: BlobJson) -> Blob {
    Blob {
        saved_at: json.saved_at,
        last_out_event_id: json.last_out_event_id,
        last_in_event_id: json.last_in_event_id,
        state: json.state,
        entries: json.entries,
    }
}
