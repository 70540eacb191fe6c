//! Reading a session's channels (trigger-client §1.3, §1.4, §3).

use std::sync::Arc;

use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::{Channel, Direction, SESSION_ID_PREFIX, StreamId};
use tidegate_protocol::limits::{READ_PAGE_MAX_BYTES, RECORDS_PAGE_MAX};
use tidegate_protocol::token::scope::Action;
use tidegate_protocol::{Record, control};

use tokio_util::sync::CancellationToken;

use crate::access::Principal;
use crate::channels::Follower;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{ReadLimit, StreamState};
use crate::sessions::locate::Located;

/// An open read.
#[derive(Debug)]
pub struct Reading {
    /// Delivers records from the start on.
    pub follower: Follower,
    /// Where the stream stood when the read was opened.
    pub state: StreamState,
    /// For write-scoped readers of `.out`: whose token a boundary gets at delivery.
    pub token: Option<TokenFor>,
    /// Seqs that this reader does not see, ascending.
    pub hidden: Vec<u64>,
    /// The reader is a run: cancelled when that is over, and with it the read.
    pub over: Option<Arc<CancellationToken>>,
}

/// Mints the token that write-scoped readers find on a boundary (I1, readers get a view).
#[derive(Clone, Debug)]
pub struct TokenFor {
    gateway: Gateway,
    environment: String,
    name: String,
}

impl TokenFor {
    /// A fresh token; `None` if the environment has no key.
    pub fn mint(&self) -> Option<String> {
        self.gateway.access().mint_session_token(&self.environment, &self.name).ok()
    }
}

impl Gateway {
    /// Opens a read of `channel` from `start`. A session that does not exist yet is waited for,
    /// unless it is named by a friendly id (trap 17).
    pub async fn open_read(
        &self,
        principal: &Principal,
        name: &str,
        channel: &Channel,
        start: Start,
    ) -> Result<Reading> {
        let located = self.locate_readable(principal, name, channel).await?;
        let stream = StreamId { session: located.key.clone(), channel: channel.clone() };
        let state = self.store().state(&stream).await.map_err(error::store)?;
        let from = match start {
            Start::Floor => state.replay_floor,
            Start::Tail => state.tail,
            Start::From(seq) => seq,
        };
        let from = from.max(state.retention_floor);
        let token = self.token_for(principal, &located, name, channel);
        let view = self.input_view(principal, &located.key, channel).await?;
        if let (Some(row), true) = (&located.row, *channel == Channel::OUT) {
            self.wake_wanted(&located.key, row).await?;
        }
        let follower = self.channels().follow(self.store().clone(), stream, from);
        let hidden = view.hidden;
        let (follower, over) = match view.over {
            Some((guard, over)) => (follower.guarded(guard), Some(over)),
            None => (follower, None),
        };
        Ok(Reading { follower, state, token, hidden, over })
    }

    /// May `principal` go on with a read of `stream` that was opened by `name`? Gives what its
    /// boundaries get from now on.
    pub async fn go_on_reading(
        &self,
        principal: &Principal,
        name: &str,
        stream: &StreamId,
    ) -> Result<Option<TokenFor>> {
        let located = self.locate_readable(principal, name, &stream.channel).await?;
        // Another environment has sessions of the same names.
        principal.require(located.key == stream.session)?;
        Ok(self.token_for(principal, &located, name, &stream.channel))
    }

    fn token_for(
        &self,
        principal: &Principal,
        located: &Located,
        name: &str,
        channel: &Channel,
    ) -> Option<TokenFor> {
        let writes = principal.may_session(Action::Write, &located.ids(), Some(&Channel::IN));
        (*channel == Channel::OUT && writes).then(|| TokenFor {
            gateway: self.clone(),
            environment: principal.environment.to_string(),
            name: located.row.as_ref().map_or(name, |row| row.name()).to_owned(),
        })
    }

    /// One page of records after `after`, oldest first.
    pub async fn records(
        &self,
        principal: &Principal,
        name: &str,
        channel: &Channel,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let located = self.locate_readable(principal, name, channel).await?;
        let view = self.input_view(principal, &located.key, channel).await?;
        let stream = StreamId { session: located.key, channel: channel.clone() };
        let from = match after {
            Some(seq) => seq + 1,
            None => self.store().state(&stream).await.map_err(error::store)?.replay_floor,
        };
        let limit = ReadLimit { records: limit.min(RECORDS_PAGE_MAX), bytes: READ_PAGE_MAX_BYTES };
        let mut page = self.store().read(&stream, from, limit).await.map_err(error::store)?;
        page.retain(|record| {
            view.hidden.binary_search(&record.seq_num).is_err()
                && view.pages_end.is_none_or(|end| record.seq_num < end)
        });
        Ok(page)
    }

    /// Does the stream, which stood at `state`, end in a boundary with nothing owed, so that a
    /// reader at its tail need not wait (trigger-client §3.6)?
    pub async fn is_settled(&self, stream: &StreamId, state: &StreamState) -> Result<bool> {
        let Some(newest) = self.newest_shown(stream, state).await? else { return Ok(false) };
        let kind = control::kind(&newest);
        let ended = matches!(kind, Some(control::TURN_COMPLETE | control::SESSION_CLOSED));
        if ended && self.begins_without_input(&stream.session).await? {
            return Ok(false);
        }
        let owed = self.store().owed(&stream.session).await.map_err(error::store)?;
        // A whole turn may have passed between the two looks.
        let now = self.store().state(stream).await.map_err(error::store)?;
        Ok(ended && owed.is_empty() && now.tail == state.tail)
    }

    /// The newest record below the tail that is not a store command.
    async fn newest_shown(&self, stream: &StreamId, state: &StreamState) -> Result<Option<Record>> {
        let mut end = state.tail;
        while let Some(seq) = end.checked_sub(1).filter(|seq| *seq >= state.retention_floor) {
            let one = ReadLimit { records: 1, bytes: READ_PAGE_MAX_BYTES };
            let mut page = self.store().read(stream, seq, one).await.map_err(error::store)?;
            match page.pop() {
                Some(record) if !record.is_command() => return Ok(Some(record)),
                Some(_) => end = seq,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn locate_readable(
        &self,
        principal: &Principal,
        name: &str,
        channel: &Channel,
    ) -> Result<Located> {
        let located = self.locate(principal, name).await?;
        let is_main_input = channel.side.is_none() && channel.direction == Direction::In;
        principal.require(
            principal.is_secret()
                || (!is_main_input
                    && principal.may_session(Action::Read, &located.ids(), Some(channel))),
        )?;
        if name.starts_with(SESSION_ID_PREFIX) {
            located.existing()?;
        }
        Ok(located)
    }
}
