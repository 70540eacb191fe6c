//! Appending to a session's channels (trigger-client §1.2, §1.4, §1.12).

use bytes::Bytes;
use serde_json::value::RawValue;
use tidegate_protocol::ids::{self, Channel, Direction};
use tidegate_protocol::input::{HistoryEdit, Input};
use tidegate_protocol::limits::PART_ID_MAX_BYTES;
use tidegate_protocol::token::scope::Action;
use tidegate_protocol::{ApiError, ErrorCode, NewRecord, control};

use crate::access::Principal;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Append, Appended, Commit, Op, Writer};

/// What is appended.
#[derive(Clone, Debug, Default)]
pub struct AppendRequest {
    /// The body as sent: opaque UTF-8 text (trap 23).
    pub body: Bytes,
    /// `X-Part-Id`: a repeat is recognised and gets the first answer again (trap 30).
    pub part_id: Option<String>,
    /// The history that an AI SDK client holds.
    pub history: Option<HistoryEdit>,
}

impl Gateway {
    /// Appends one record. Answers once it is durable.
    pub async fn append(
        &self,
        principal: &Principal,
        name: &str,
        channel: &Channel,
        request: AppendRequest,
    ) -> Result<Appended> {
        let located = self.locate(principal, name).await?;
        let allowed = match channel.direction {
            Direction::In => principal.may_session(Action::Write, &located.ids(), Some(channel)),
            Direction::Out => principal.is_secret(),
        };
        principal.require(allowed)?;
        let row = located.open(self.now())?;
        let append = self.build(principal, channel, request)?;
        let wakes = append.owed;
        let commit = Commit { session: located.key.clone(), ops: vec![Op::Append(append)] };
        let committed = self.store().commit(commit).await.map_err(error::commit)?;
        self.metrics().appended();
        if wakes {
            self.turns().poke(&located.key, row);
        }
        Ok(committed.appends[0])
    }

    fn build(
        &self,
        principal: &Principal,
        channel: &Channel,
        request: AppendRequest,
    ) -> Result<Append> {
        let text = std::str::from_utf8(&request.body)
            .map_err(|_| ApiError::new(ErrorCode::InvalidBody, "the body must be UTF-8 text"))?;
        if request.part_id.as_ref().is_some_and(|id| id.len() > PART_ID_MAX_BYTES) {
            let message = format!("X-Part-Id must have at most {PART_ID_MAX_BYTES} bytes");
            return Err(ApiError::new(ErrorCode::InvalidParameter, message).at("x-part-id"));
        }
        let fresh = || ids::base36(self.entropy(), 21);
        let id = request.part_id.clone().unwrap_or_else(fresh);
        let mut record = match channel.direction {
            Direction::In => NewRecord::text(text, &id),
            // A chunk must stay an object for the chat clients (trap 31).
            Direction::Out => match serde_json::from_str::<&RawValue>(text) {
                Ok(json) if json.get().starts_with('{') => {
                    NewRecord::data(json.get().as_bytes(), &id)
                }
                _ => NewRecord::text(text, &id),
            },
        };
        let is_main_input = *channel == Channel::IN;
        // Stops and close messages get a fate from the engine as well, and so are owed too.
        let owed = is_main_input && Input::parse(text) != Input::Opaque;
        if owed {
            let class = if principal.is_secret() { "secret" } else { "public" };
            record.headers.push((control::CREDENTIAL.to_owned(), class.to_owned()));
        }
        if let Some(history) = request.history {
            let json = serde_json::to_string(&history).expect("a HistoryEdit is valid JSON");
            record.headers.push((control::HISTORY.to_owned(), json));
        }
        Ok(Append {
            channel: channel.clone(),
            writer: Writer::Client,
            frame_key: request.part_id,
            records: vec![record],
            owed,
        })
    }
}
