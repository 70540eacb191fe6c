//! The transcript that an agent with a loop of its own saves (R-TSC-9 to R-TSC-12). The gateway
//! keeps it as it came, and looks into it only to page its messages.

use bytes::Bytes;
use serde_json::Value;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::transcript::{Blob, Entry, parse, render};

use super::transcript::{SAVED_BLOB, TranscriptPage};
use crate::access::UploadGrant;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Commit, Op};

impl Gateway {
    /// Saves a transcript; refused if another run has the session meanwhile.
    pub async fn save_transcript(&self, grant: &UploadGrant, bytes: Bytes) -> Result<()> {
        let row = self.store().session(&grant.session).await.map_err(error::store)?;
        row.ok_or_else(|| error::session_not_found(grant.session.name()))?;
        let current = grant.fence.map(|fence| Op::ExpectFence { fence });
        let put = Op::PutBlob { name: SAVED_BLOB.to_owned(), bytes };
        let ops = current.into_iter().chain([put]).collect();
        let commit = Commit { session: grant.session.clone(), ops };
        self.store().commit(commit).await.map_err(error::commit)?;
        Ok(())
    }

    /// What was saved, as it came.
    pub(super) async fn saved_transcript(&self, session: &SessionKey) -> Result<Option<Bytes>> {
        self.store().blob(session, SAVED_BLOB).await.map_err(error::store)
    }

    /// A page of what was saved. What can't be read is no transcript (R-TSC-8).
    pub(super) async fn saved_page(
        &self,
        session: &SessionKey,
        limit: usize,
        before: Option<&str>,
    ) -> Result<TranscriptPage> {
        let blob = self.saved_transcript(session).await?.and_then(|bytes| parse(&bytes).ok());
        Ok(blob.map_or_else(TranscriptPage::default, |blob| page(blob, limit, before)))
    }
}

/// The operation that adds `messages` to what is saved, where it does not hold them; `None` if it
/// has them all, or is not of a form that can be added to.
pub(crate) fn save_messages(saved: Option<&[u8]>, messages: &[Value], now: u64) -> Option<Op> {
    let mut blob = match saved {
        Some(bytes) => parse(bytes).ok()?,
        None => Blob::default(),
    };
    let there = blob.entries.len();
    for message in messages {
        let Some(id) = message["id"].as_str() else { continue };
        if !blob.entries.iter().any(|entry| entry.id == id) {
            let (id, message) = (id.to_owned(), message.clone());
            blob.entries.push(Entry { id, is_final: true, message });
        }
    }
    blob.saved_at = now;
    let put = || Op::PutBlob { name: SAVED_BLOB.to_owned(), bytes: render(&blob).into() };
    (blob.entries.len() > there).then(put)
}

/// The newest `limit` messages before the one with the id `before`: ids stay when the agent writes
/// its transcript anew, places do not. A message that is gone has nothing before it.
fn page(blob: Blob, limit: usize, before: Option<&str>) -> TranscriptPage {
    let entries = blob.entries;
    let end = match before {
        None => entries.len(),
        Some(id) => entries.iter().position(|entry| entry.id == id).unwrap_or(0),
    };
    let start = end.saturating_sub(limit);
    let next_cursor = (start > 0).then(|| entries[start].id.clone());
    let cursor = |text: Option<String>| text.and_then(|text| text.parse().ok());
    TranscriptPage {
        messages: entries.into_iter().take(end).skip(start).map(|entry| entry.message).collect(),
        last_out: cursor(blob.last_out_event_id),
        last_in: cursor(blob.last_in_event_id),
        next_cursor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_added_once() {
        let user = |id: &str| json!({"id": id, "role": "user", "parts": []});
        let save = |saved: Option<&[u8]>, messages: &[Value]| {
            save_messages(saved, messages, 5).map(|op| match op {
                Op::PutBlob { bytes, .. } => bytes,
                other => panic!("unexpected {other:?}"),
            })
        };
        let first = save(None, &[user("u1")]).expect("new");
        assert!(save(Some(&first), &[user("u1")]).is_none());
        let both = save(Some(&first), &[user("u1"), user("u2")]).expect("u2 is new");
        let ids: Vec<_> = parse(&both).expect("valid").entries.into_iter().map(|e| e.id).collect();
        assert_eq!(ids, ["u1", "u2"]);
        assert!(save(Some(b"of another form"), &[user("u3")]).is_none());
    }

    #[test]
    fn pages_follow_one_another_by_id() {
        let entry =
            |id: &str| Entry { id: id.to_owned(), is_final: true, message: json!({"id": id}) };
        let blob = Blob {
            last_out_event_id: Some("7".to_owned()),
            entries: ["a", "b", "c", "d", "e"].map(entry).into(),
            ..Blob::default()
        };
        let ids = |page: &TranscriptPage| -> String {
            page.messages.iter().filter_map(|message| message["id"].as_str()).collect()
        };
        let newest = page(blob.clone(), 2, None);
        assert_eq!((ids(&newest).as_str(), newest.last_out), ("de", Some(7)));
        let older = page(blob.clone(), 2, newest.next_cursor.as_deref());
        assert_eq!(ids(&older), "bc");
        let oldest = page(blob.clone(), 2, older.next_cursor.as_deref());
        assert_eq!((ids(&oldest).as_str(), oldest.next_cursor), ("a", None));
        assert_eq!(ids(&page(blob, 2, Some("gone"))), "");
    }
}
