//! What the AI SDK binding needs besides appends and reads (`spec/v1/ai-sdk.md`).

use std::collections::HashSet;

use serde_json::{Value, json};
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::input::{HistoryEdit, Input};
use tidegate_protocol::limits::{READ_PAGE_MAX_BYTES, TRANSCRIPT_MESSAGES_MAX};
use tidegate_protocol::token::scope::Action;
use tidegate_protocol::{ApiError, ErrorCode};

use crate::access::Principal;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::ReadLimit;
use crate::sessions::request::CreateSession;
use crate::turns::conversation::{by_id, id_of};
use crate::turns::driver::load_messages;

/// A turn that runs or is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningTurn {
    /// `.in` seq of the input that it answers.
    pub seq: u64,
    /// `.out` seq from which its chunks are read.
    pub out_start: u64,
}

impl Gateway {
    /// Finds the session `name` of `agent`, or creates it. A session of another agent is refused.
    pub async fn ensure_chat(&self, principal: &Principal, agent: &str, name: &str) -> Result<()> {
        let located = self.locate(principal, name).await?;
        principal.require(principal.may_session(Action::Write, &located.ids(), None))?;
        match &located.row {
            Some(row) if row.agent == agent => Ok(()),
            Some(row) => {
                let message =
                    format!("session {name:?} belongs to agent {:?}, not {agent:?}", row.agent);
                Err(ApiError::new(ErrorCode::Unprocessable, message).at("id"))
            }
            None => {
                let body = json!({
                    "type": "chat.agent",
                    "externalId": name,
                    "taskIdentifier": agent,
                    "triggerConfig": {"basePayload": {"chatId": name, "trigger": "preload"}},
                });
                let request: CreateSession =
                    serde_json::from_value(body).expect("every required field is there");
                self.create_session(principal, request, None).await.map(drop)
            }
        }
    }

    /// What the client's whole history says against the session's: ids in order, and the messages
    /// that the session does not have, or has otherwise.
    ///
    /// One message alone is not a history unless the session knows it: then what is before it
    /// stays and everything after it is dropped (an edit). `None` means that the message is simply
    /// added.
    pub async fn reconcile(
        &self,
        principal: &Principal,
        name: &str,
        messages: Vec<Value>,
    ) -> Result<Option<HistoryEdit>> {
        let located = self.locate(principal, name).await?;
        principal.require(principal.may_session(Action::Write, &located.ids(), None))?;
        if messages.len() > TRANSCRIPT_MESSAGES_MAX {
            let message = format!("a chat has at most {TRANSCRIPT_MESSAGES_MAX} messages");
            return Err(ApiError::new(ErrorCode::Unprocessable, message).at("messages"));
        }
        let stored = load_messages(&**self.store(), &located.key).await.map_err(error::store)?;
        let known = by_id(stored.iter().map(|stored| &stored.message));
        let mut edit = HistoryEdit::default();
        if let [only] = messages.as_slice()
            && !stored.is_empty()
        {
            let ids = stored.iter().filter_map(|stored| id_of(&stored.message));
            let before = ids.take_while(|id| Some(*id) != id_of(only)).map(str::to_owned);
            edit.ids = before.collect();
            if edit.ids.len() == stored.len() {
                return Ok(None);
            }
        }
        let mut seen = HashSet::new();
        for message in messages {
            let Some(id) = id_of(&message).map(str::to_owned) else { continue };
            if !seen.insert(id.clone()) {
                let message = format!("two messages have the id {id:?}");
                return Err(ApiError::new(ErrorCode::Unprocessable, message).at("messages"));
            }
            if known.get(id.as_str()).is_none_or(|stored| **stored != message) {
                edit.messages.push(message);
            }
            edit.ids.push(id);
        }
        Ok(Some(edit))
    }

    /// The turn that runs or is about to, if any.
    pub async fn running_turn(
        &self,
        principal: &Principal,
        name: &str,
    ) -> Result<Option<RunningTurn>> {
        let located = self.locate(principal, name).await?;
        principal.require(principal.may_session(Action::Read, &located.ids(), None))?;
        let Some(_) = &located.row else { return Ok(None) };
        loop {
            let state = self.engine_state(&located.key).await?;
            if let Some(active) = state.active {
                return Ok(Some(RunningTurn { seq: active.seq, out_start: active.out_start }));
            }
            let Some(seq) = self.first_owed(&located.key).await? else { return Ok(None) };
            let out = StreamId { session: located.key.clone(), channel: Channel::OUT };
            let out_start = self.store().state(&out).await.map_err(error::store)?.tail;
            // Only if no turn has begun meanwhile is this where the next one begins.
            if self.engine_state(&located.key).await? == state {
                return Ok(Some(RunningTurn { seq, out_start }));
            }
        }
    }

    /// `.in` seq of the oldest input that waits for an answer.
    async fn first_owed(&self, session: &SessionKey) -> Result<Option<u64>> {
        let input = StreamId { session: session.clone(), channel: Channel::IN };
        let one = ReadLimit { records: 1, bytes: READ_PAGE_MAX_BYTES };
        for seq in self.store().owed(session).await.map_err(error::store)? {
            let page = self.store().read(&input, seq, one).await.map_err(error::store)?;
            let record = page.first().filter(|record| record.seq_num == seq);
            if record.is_some_and(|record| Input::of(record).is_owed()) {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }
}
