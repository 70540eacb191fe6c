//! One record as one line for a person.

use serde_json::Value;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};

const DETAIL_MAX_CHARS: usize = 120;

/// The record without the value of its token: what is printed ends up in files.
pub(super) fn without_token(mut record: Record) -> Record {
    for (name, value) in &mut record.headers {
        if name == control::ACCESS_TOKEN {
            "…".clone_into(value);
        }
    }
    record
}

/// `seq  time  what  detail`
pub(super) fn describe(record: &Record) -> String {
    let (kind, detail) = parts(record);
    let detail: String = detail.chars().take(DETAIL_MAX_CHARS).collect();
    let line = format!("{:>6}  {}  {kind:<22} {detail}", record.seq_num, clock(record.timestamp));
    line.trim_end().to_owned()
}

fn parts(record: &Record) -> (String, String) {
    if let Some(kind) = control::kind(record) {
        let siblings = record.headers.iter().filter(|(name, _)| name != control::CONTROL);
        let siblings = siblings.filter(|(name, _)| name != control::ACCESS_TOKEN);
        let pairs: Vec<_> = siblings.map(|(name, value)| format!("{name}={value}")).collect();
        return (format!("[{kind}]"), pairs.join(" "));
    }
    if record.is_command() {
        return ("[command]".to_owned(), record.headers[0].1.clone());
    }
    let data = Envelope::of(record).map(|envelope| envelope.data.0.get().to_owned());
    let text = data.unwrap_or_else(|| String::from_utf8_lossy(&record.body).into_owned());
    let chunk: Value = serde_json::from_str(&text).unwrap_or_default();
    let kind = chunk["type"].as_str().unwrap_or("text").to_owned();
    let detail =
        ["delta", "inputTextDelta", "errorText"].iter().find_map(|key| chunk[*key].as_str());
    let detail = detail.map(|detail| format!("{detail:?}"));
    (kind, detail.unwrap_or(text))
}

/// Time of day, UTC.
fn clock(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (h, m, s) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{h:02}:{m:02}:{s:02}.{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_protocol::NewRecord;

    #[test]
    fn records_become_lines() {
        let delta = NewRecord::data(br#"{"type":"text-delta","id":"t","delta":"hi"}"#, "p");
        let line = describe(&delta.at(7, 3_661_001));
        assert_eq!(line, "     7  01:01:01.001  text-delta             \"hi\"");
        let mut boundary = control::boundary(Some(3), None, None);
        boundary.headers.push((control::ACCESS_TOKEN.to_owned(), "secret".to_owned()));
        let line = describe(&without_token(boundary.at(8, 0)));
        assert!(line.contains("[turn-complete]") && line.contains("session-in-event-id=3"));
        assert!(!line.contains("secret"));
    }
}
