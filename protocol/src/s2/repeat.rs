//! Recognising an append that is sent again (R-S2-17).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::record::{Envelope, NewRecord};

/// The key by which a repeat of this append by `writer` is known; `None` where nothing in it could
/// tell a repeat from a second one (R-S2-18).
pub fn frame_key(writer: &str, records: &[NewRecord]) -> Option<String> {
    if !records.iter().any(has_id) {
        return None;
    }
    let mut hash = Sha256::new();
    let mut put = |bytes: &[u8]| {
        // Lengths keep neighbours apart.
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    put(writer.as_bytes());
    for record in records {
        put(&(record.headers.len() as u64).to_be_bytes());
        for (name, value) in &record.headers {
            put(name.as_bytes());
            put(value.as_bytes());
        }
        put(&record.body);
    }
    Some(format!("s2:{}", URL_SAFE_NO_PAD.encode(hash.finalize())))
}

fn has_id(record: &NewRecord) -> bool {
    let envelope = serde_json::from_slice::<Envelope<'_>>(&record.body);
    envelope.is_ok_and(|envelope| !envelope.id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control;

    #[test]
    fn only_the_same_append_of_the_same_writer_is_a_repeat() {
        let chunk = |id: &str| NewRecord::data(br#"{"type":"x"}"#, id);
        let key = |records: &[NewRecord]| frame_key("run:1", records);
        let first = key(&[chunk("a"), chunk("b")]);
        assert!(first.is_some());
        assert_eq!(first, key(&[chunk("a"), chunk("b")]));
        let others = [
            key(&[chunk("a")]),
            key(&[chunk("b"), chunk("a")]),
            key(&[chunk("a"), chunk("c")]),
            key(&[chunk("a"), chunk("b"), control::keep_alive()]),
            frame_key("run:2", &[chunk("a"), chunk("b")]),
        ];
        for other in others {
            assert!(other.is_some() && other != first);
        }
    }

    #[test]
    fn what_has_no_id_is_never_a_repeat() {
        let boundary = control::boundary(Some(1), Some(1), None);
        let bare = NewRecord { headers: Vec::new(), body: "text".into() };
        for record in [boundary, bare, NewRecord::data(b"{}", "")] {
            assert_eq!(frame_key("run:1", &[record]), None);
        }
    }
}
