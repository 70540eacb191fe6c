//! Which messages a running turn says that it has taken in (trigger-agent §1.8, steering).

use memchr::memmem::find;
use serde::Deserialize;
use tidegate_protocol::NewRecord;

#[derive(Deserialize)]
struct Envelope {
    data: Chunk,
}

#[derive(Deserialize)]
struct Chunk {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    message_ids: Vec<String>,
}

/// Ids of the messages that a record says were injected; of most records none.
pub fn injected_messages(record: &NewRecord) -> Vec<String> {
    // Every record of every answer passes here: most are told apart without being parsed.
    if find(&record.body, b"\"data-pending-message-injected\"").is_none() {
        return Vec::new();
    }
    serde_json::from_slice::<Envelope>(&record.body)
        .map(|envelope| envelope.data.data.message_ids)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let chunk = br#"{"type":"data-pending-message-injected","data":
            {"messageIds":["u2","u3"],"messages":[]}}"#;
        assert_eq!(injected_messages(&NewRecord::data(chunk, "x")), ["u2", "u3"]);
        let other = br#"{"type":"text-delta","delta":"data-pending-message-injected"}"#;
        assert!(injected_messages(&NewRecord::data(other, "x")).is_empty());
    }
}
