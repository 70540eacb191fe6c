//! The default transcript blob: how a session's messages are kept where no application hook does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Media type of the blob.
pub const MEDIA_TYPE: &str = "application/vnd.trigger.transcript+ndjson";

/// A transcript as stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blob {
    /// Unix milliseconds at which it was saved; 0 if the blob does not say.
    pub saved_at: u64,
    /// `.out` seq of the boundary that it ends with.
    pub last_out_event_id: Option<String>,
    /// `.in` seq up to which its inputs are answered.
    pub last_in_event_id: Option<String>,
    /// The agent's private state; never shown to a reader.
    pub state: Value,
    /// The messages, oldest first.
    pub entries: Vec<Entry>,
}

/// One message of a transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Id of the message.
    pub id: String,
    /// `false` for an answer that was cut.
    #[serde(rename = "final", default)]
    pub is_final: bool,
    /// A UIMessage.
    pub message: Value,
}

/// Why a blob can't be read. Readers treat every kind as "no transcript".
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// Not JSON where JSON must be.
    #[error("the transcript is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Neither version 1 nor version 2.
    #[error("the transcript is of an unknown version")]
    UnknownVersion,
}

/// Writes version 2: a header line, one line a message, a footer line that tells where each entry
/// starts, and a trailer of fixed length that tells where the footer starts.
pub fn render(blob: &Blob) -> Vec<u8> {
    let header = Header {
        v: 2,
        saved_at: blob.saved_at,
        last_out_event_id: blob.last_out_event_id.as_deref(),
        last_in_event_id: blob.last_in_event_id.as_deref(),
        state: &blob.state,
    };
    let mut out = Vec::new();
    push_line(&mut out, &header);
    let mut offsets = Vec::with_capacity(blob.entries.len() + 1);
    for entry in &blob.entries {
        offsets.push(out.len());
        push_line(&mut out, entry);
    }
    let footer_start = out.len();
    offsets.push(footer_start);
    let footer = Footer {
        ids: blob.entries.iter().map(|entry| entry.id.as_str()).collect(),
        offsets,
        saved_at: blob.saved_at,
        last_out_event_id: blob.last_out_event_id.as_deref(),
        last_in_event_id: blob.last_in_event_id.as_deref(),
    };
    push_line(&mut out, &footer);
    let footer_len = out.len() - footer_start - 1;
    out.extend_from_slice(format!("{TRAILER_PREFIX}{footer_len:016}\n").as_bytes());
    out
}

/// Reads a blob of version 1 or 2. Entries that are not a message, or whose id differs from their
/// message's, are dropped. A blob of lines that was cut before its trailer still gives its entries.
pub fn parse(bytes: &[u8]) -> Result<Blob, TranscriptError> {
    if bytes.starts_with(LINES_PREFIX) { parse_lines(bytes) } else { parse_object(bytes) }
}

const TRAILER_PREFIX: &str = "#tt2:";
/// What tells the lines of version 2 from a single JSON object.
const LINES_PREFIX: &[u8] = b"{\"v\":2";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    v: u32,
    saved_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_out_event_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_in_event_id: Option<&'a str>,
    state: &'a Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Footer<'a> {
    ids: Vec<&'a str>,
    offsets: Vec<usize>,
    saved_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_out_event_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_in_event_id: Option<&'a str>,
}

/// The single JSON object, and the header of the lines: all that versions differ in is optional.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectJson {
    #[serde(alias = "v", default)]
    version: u64,
    #[serde(default)]
    saved_at: f64,
    #[serde(default)]
    last_out_event_id: Option<String>,
    #[serde(default)]
    last_in_event_id: Option<String>,
    #[serde(default)]
    state: Value,
    #[serde(default)]
    messages: Vec<Value>,
}

fn push_line(out: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *out, line).expect("writing JSON to a Vec cannot fail");
    out.push(b'\n');
}

fn parse_lines(bytes: &[u8]) -> Result<Blob, TranscriptError> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let header: ObjectJson = serde_json::from_slice(lines.next().unwrap_or_default())?;
    if header.version != 2 {
        return Err(TranscriptError::UnknownVersion);
    }
    // Footer and trailer are no entries, so they fall out like any other line that is none.
    let entries = lines.filter_map(|line| entry(serde_json::from_slice(line).ok()?)).collect();
    Ok(header.into_blob(entries))
}

fn parse_object(bytes: &[u8]) -> Result<Blob, TranscriptError> {
    let json: Value = serde_json::from_slice(bytes)?;
    if !json.is_object() {
        return Err(TranscriptError::UnknownVersion);
    }
    let mut object: ObjectJson = serde_json::from_value(json)?;
    let messages = std::mem::take(&mut object.messages);
    let entries = match object.version {
        1 => messages.into_iter().filter_map(whole_message).collect(),
        2 => messages.into_iter().filter_map(entry).collect(),
        _ => return Err(TranscriptError::UnknownVersion),
    };
    if object.version == 1 {
        object.state = Value::Null;
    }
    Ok(object.into_blob(entries))
}

impl ObjectJson {
    fn into_blob(self, entries: Vec<Entry>) -> Blob {
        Blob {
            saved_at: self.saved_at as u64,
            last_out_event_id: self.last_out_event_id,
            last_in_event_id: self.last_in_event_id,
            state: self.state,
            entries,
        }
    }
}

fn entry(json: Value) -> Option<Entry> {
    // Serde would also take an array for a struct.
    let json = Some(json).filter(Value::is_object)?;
    let entry: Entry = serde_json::from_value(json).ok()?;
    (message_id(&entry.message) == Some(&entry.id)).then_some(entry)
}

/// A message of version 1 carries its id itself.
fn whole_message(message: Value) -> Option<Entry> {
    let id = message_id(&message)?.to_owned();
    Some(Entry { id, is_final: true, message })
}

fn message_id(message: &Value) -> Option<&str> {
    message.get("id")?.as_str().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_blob() -> impl Strategy<Value = Blob> {
        let entry = (".{1,8}", any::<bool>(), any::<String>()).prop_map(|(id, is_final, text)| {
            let message = json!({"id": id, "parts": [{"type": "text", "text": text}]});
            Entry { id, is_final, message }
        });
        let cursor = || proptest::option::of("[0-9]{1,9}");
        (0..1_u64 << 53, cursor(), cursor(), any::<Option<String>>(), vec(entry, 0..5)).prop_map(
            |(saved_at, last_out_event_id, last_in_event_id, state, entries)| {
                let state = state.map_or(Value::Null, |text| json!({"state": text}));
                Blob { saved_at, last_out_event_id, last_in_event_id, state, entries }
            },
        )
    }

    proptest! {
        #[test]
        fn round_trip(blob in any_blob()) {
            prop_assert_eq!(parse(&render(&blob)).expect("a blob"), blob);
        }

        #[test]
        fn the_trailer_leads_to_every_entry(blob in any_blob()) {
            let bytes = render(&blob);
            let trailer_start = bytes.len() - 22;
            let trailer = std::str::from_utf8(&bytes[trailer_start..]).expect("ASCII");
            let digits = trailer.strip_prefix("#tt2:").and_then(|rest| rest.strip_suffix('\n'));
            let footer_len: usize = digits.and_then(|d| d.parse().ok()).expect("16 digits");
            let footer = &bytes[trailer_start - 1 - footer_len..trailer_start - 1];
            let footer: Value = serde_json::from_slice(footer).expect("a footer");
            let offset = |at: usize| footer["offsets"][at].as_u64().expect("an offset") as usize;
            for (at, entry) in blob.entries.iter().enumerate() {
                prop_assert_eq!(&footer["ids"][at], &entry.id);
                let line = &bytes[offset(at)..offset(at + 1)];
                prop_assert_eq!(&serde_json::from_slice::<Entry>(line).expect("an entry"), entry);
            }
        }

        #[test]
        fn a_cut_blob_gives_its_first_entries(blob in any_blob(), at: prop::sample::Index) {
            let bytes = render(&blob);
            if let Ok(cut) = parse(&bytes[..at.index(bytes.len())]) {
                prop_assert!(blob.entries.starts_with(&cut.entries));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&[LINES_PREFIX, b"}\n", &bytes].concat());
        }
    }
}
