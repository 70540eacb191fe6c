//! The transcript: the messages of a session, paged (trigger-client §1.11).

use bytes::Bytes;
use serde_json::Value;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::transcript::{Blob, Entry, render};

use crate::access::Principal;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::sessions::locate::locate;
use crate::turns::conversation::id_of;
use crate::turns::driver::load_messages;
use crate::turns::state::{ENGINE_BLOB, EngineState, MESSAGE_PREFIX, StoredMessage};

/// Name of the blob that an agent with a loop of its own saves.
pub const SAVED_BLOB: &str = "saved";

/// A page of the transcript.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TranscriptPage {
    /// UIMessages, oldest first.
    pub messages: Vec<Value>,
    /// `.out` seq from which a client may resume so that it sees only what is not in here.
    pub last_out: Option<u64>,
    /// `.in` seq up to which everything is answered.
    pub last_in: Option<u64>,
    /// What to pass as `before` for the older page.
    pub next_cursor: Option<String>,
}

impl Gateway {
    /// The newest `limit` messages before `before` (a `next_cursor`). Needs a secret key.
    pub async fn transcript(
        &self,
        principal: &Principal,
        name: &str,
        limit: usize,
        before: Option<&str>,
    ) -> Result<TranscriptPage> {
        principal.require_secret()?;
        let located = self.locate(principal, name).await?;
        located.existing()?;
        let state = self.engine_state(&located.key).await?;
        let before = before.map(|cursor| format!("{MESSAGE_PREFIX}{cursor}"));
        let blobs = self
            .store()
            .blobs(&located.key, MESSAGE_PREFIX, before.as_deref(), limit)
            .await
            .map_err(error::store)?;
        if blobs.is_empty() {
            let before = before.as_deref().map(|cursor| &cursor[MESSAGE_PREFIX.len()..]);
            return self.saved_page(&located.key, limit, before).await;
        }
        let oldest = blobs.last().map(|(name, _)| &name[MESSAGE_PREFIX.len()..]);
        let next_cursor = oldest.filter(|index| index.bytes().any(|digit| digit != b'0'));
        let next_cursor = next_cursor.map(str::to_owned);
        let messages = blobs
            .iter()
            .rev()
            .map(|(_, bytes)| StoredMessage::parse(bytes).map(|stored| stored.message))
            .collect::<std::result::Result<_, _>>()
            .map_err(error::store)?;
        let (last_out, last_in) = (resume_point(&state), state.floor);
        Ok(TranscriptPage { messages, last_out, last_in, next_cursor })
    }

    /// The whole transcript as the SDK's default storage reads it; `None` if there is none.
    pub async fn transcript_blob(&self, environment: &str, name: &str) -> Result<Option<Bytes>> {
        let located = locate(&**self.store(), environment, name).await?;
        let state = self.engine_state(&located.key).await?;
        let stored = load_messages(&**self.store(), &located.key).await.map_err(error::store)?;
        if stored.is_empty() {
            return self.saved_transcript(&located.key).await;
        }
        let entry = |stored: StoredMessage| {
            let id = id_of(&stored.message)?.to_owned();
            Some(Entry { id, is_final: stored.is_final, message: stored.message })
        };
        let blob = Blob {
            saved_at: state.saved_at,
            last_out_event_id: resume_point(&state).map(|seq| seq.to_string()),
            last_in_event_id: state.floor.map(|seq| seq.to_string()),
            state: Value::Null,
            entries: stored.into_iter().filter_map(entry).collect(),
        };
        Ok(Some(render(&blob).into()))
    }

    pub(super) async fn engine_state(&self, session: &SessionKey) -> Result<EngineState> {
        let blob = self.store().blob(session, ENGINE_BLOB).await.map_err(error::store)?;
        let state = blob.map(|bytes| EngineState::parse(&bytes)).transpose();
        Ok(state.map_err(error::store)?.unwrap_or_default())
    }
}

/// The transcript holds a turn's answer only once the turn has ended, so while one runs a reader
/// resumes from before its first record.
fn resume_point(state: &EngineState) -> Option<u64> {
    match &state.active {
        Some(active) => active.out_start.checked_sub(1),
        None => state.last_out,
    }
}
