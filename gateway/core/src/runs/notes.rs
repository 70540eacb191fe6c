//! Metadata and tags that a run, or whoever holds a secret key, puts on a run (R-RUNS-22).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::limits::{RUN_METADATA_MAX_BYTES, TAG_MAX_CHARS, TAGS_MAX};
use tidegate_protocol::metadata::{self, Operation};
use tidegate_protocol::{ApiError, ErrorCode};

use crate::access::Principal;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Commit, CommitError, Op, StoreError};
use crate::sessions::request::refused;

/// What is put on one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// An object, or nothing yet.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Besides those of its session.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Gateway {
    /// Replaces the metadata of a run by `replacement`, if there is one, and applies `operations`.
    pub async fn note_metadata(
        &self,
        principal: &Principal,
        run: &str,
        replacement: Option<Map<String, Value>>,
        operations: Vec<Operation>,
    ) -> Result<Map<String, Value>> {
        let notes = self
            .note(principal, run, |notes| {
                if let Some(replacement) = &replacement {
                    notes.metadata.clone_from(replacement);
                }
                metadata::apply(&mut notes.metadata, operations.clone());
                let bytes = serde_json::to_vec(&notes.metadata).map_or(0, |json| json.len());
                if bytes > RUN_METADATA_MAX_BYTES {
                    let text = format!("metadata may have {RUN_METADATA_MAX_BYTES} bytes");
                    return Err(ApiError::new(ErrorCode::BodyTooLarge, text).at("metadata"));
                }
                Ok(())
            })
            .await?;
        Ok(notes.metadata)
    }

    /// Adds tags to a run.
    pub async fn note_tags(
        &self,
        principal: &Principal,
        run: &str,
        tags: Vec<String>,
    ) -> Result<()> {
        self.note(principal, run, |notes| {
            for tag in &tags {
                if tag.is_empty() || tag.chars().count() > TAG_MAX_CHARS {
                    return Err(refused(
                        "tags",
                        format!("a tag has 1 to {TAG_MAX_CHARS} characters"),
                    ));
                }
                if !notes.tags.contains(tag) {
                    notes.tags.push(tag.clone());
                }
            }
            match notes.tags.len() > TAGS_MAX {
                true => Err(refused("tags", format!("at most {TAGS_MAX} tags"))),
                false => Ok(()),
            }
        })
        .await
        .map(drop)
    }

    /// What is on run `number`.
    pub(super) async fn notes(
        &self,
        session: &SessionKey,
        number: u64,
    ) -> std::result::Result<Notes, StoreError> {
        match self.store().blob(session, &name(number)).await? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| StoreError::Corrupt(format!("notes of a run: {error}"))),
            None => Ok(Notes::default()),
        }
    }

    async fn note(
        &self,
        principal: &Principal,
        run: &str,
        change: impl Fn(&mut Notes) -> Result<()>,
    ) -> Result<Notes> {
        principal.require_secret()?;
        self.retrieve_run(principal, run).await?;
        loop {
            let (session, row, number) = self.find_run(principal, run).await?;
            let mut notes = self.notes(&session, number).await.map_err(error::store)?;
            change(&mut notes)?;
            let bytes = serde_json::to_vec(&notes).expect("notes are valid JSON").into();
            // The row is written as it is, for its version: whoever read the notes before this
            // commit, here or at another gateway, reads them again.
            let row = Op::PutRow { expected: Some(row.version), row: Box::new((*row).clone()) };
            let ops = vec![row, Op::PutBlob { name: name(number), bytes }];
            match self.store().commit(Commit { session, ops }).await {
                Ok(_) => return Ok(notes),
                Err(CommitError::RowChanged { .. }) => {}
                Err(failure) => return Err(error::commit(failure)),
            }
        }
    }
}

fn name(number: u64) -> String {
    format!("notes/{number:010}")
}
