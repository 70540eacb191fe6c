//! Retrieving, changing and listing sessions.

use std::sync::Arc;

use serde_json::Value;
use tidegate_protocol::token::scope::{Action, Resource};
use tidegate_protocol::{ApiError, ErrorCode};

use super::locate::Located;
use super::request::{UpdateSession, validate_tags};
use super::row::SessionRow;
use crate::access::Principal;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Commit, CommitError, ListPage, ListQuery, Op};

impl Gateway {
    /// A session's row.
    pub async fn retrieve_session(
        &self,
        principal: &Principal,
        name: &str,
    ) -> Result<Arc<SessionRow>> {
        let located = self.locate(principal, name).await?;
        principal.require(principal.may_session(Action::Read, &located.ids(), None))?;
        located.existing().cloned()
    }

    /// Changes tags and metadata.
    pub async fn update_session(
        &self,
        principal: &Principal,
        name: &str,
        update: UpdateSession,
    ) -> Result<Arc<SessionRow>> {
        validate_tags("tags", update.tags.as_deref())?;
        let located = self.locate(principal, name).await?;
        principal.require(principal.may_session(Action::Admin, &located.ids(), None))?;
        self.change(&located, Vec::new(), |row| {
            if update.external_id.as_ref().is_some_and(|id| *id != row.external_id) {
                let message = "externalId names the session's streams and can't be changed";
                return Err(ApiError::new(ErrorCode::Unprocessable, message).at("externalId"));
            }
            if let Some(tags) = &update.tags {
                row.tags.clone_from(tags);
            }
            if let Some(metadata) = &update.metadata {
                row.metadata = metadata.clone().map(Value::Object);
            }
            Ok(true)
        })
        .await
    }

    /// Sessions of the caller's environment, newest first.
    pub async fn list_sessions(&self, principal: &Principal, query: ListQuery) -> Result<ListPage> {
        let reads_agents = |agents: &[String]| {
            !agents.is_empty()
                && agents.iter().all(|agent| principal.may(Action::Read, &Resource::Task(agent)))
        };
        principal.require(
            principal.may(Action::Read, &Resource::AllSessions)
                || principal.may(Action::Read, &Resource::AllTasks)
                || reads_agents(&query.agents),
        )?;
        self.store().list(query).await.map_err(error::store)
    }

    /// Changes the row by compare-and-set, together with `ops`. `change` answers whether there is
    /// anything to write.
    pub(crate) async fn change(
        &self,
        located: &Located,
        ops: Vec<Op>,
        change: impl Fn(&mut SessionRow) -> Result<bool>,
    ) -> Result<Arc<SessionRow>> {
        loop {
            let found = self.store().session(&located.key).await.map_err(error::store)?;
            let found = found.ok_or_else(|| error::session_not_found(&located.name))?;
            let mut row = SessionRow::clone(&found);
            if !change(&mut row)? {
                return Ok(found);
            }
            row.updated_at = self.now();
            let put = Op::PutRow { expected: Some(found.version), row: Box::new(row) };
            let ops = std::iter::once(put).chain(ops.iter().cloned()).collect();
            let session = located.key.clone();
            match self.store().commit(Commit { session, ops }).await {
                Ok(_) => break,
                Err(CommitError::RowChanged { .. }) => {}
                Err(failure) => return Err(error::commit(failure)),
            }
        }
        let row = self.store().session(&located.key).await.map_err(error::store)?;
        row.ok_or_else(|| error::session_not_found(&located.name))
    }
}
