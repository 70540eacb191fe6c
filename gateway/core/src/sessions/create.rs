//! Creating a session, or finding it again (trigger-client §1.1).

use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_protocol::ids::{self, Channel, SessionKey};
use tidegate_protocol::input::Trigger;
use tidegate_protocol::limits::{SESSION_TOKEN_TTL_S, SUBAGENT_DEPTH_MAX};
use tidegate_protocol::token::scope::{Action, Resource};
use tidegate_protocol::{ApiError, ErrorCode, NewRecord, control};

use super::head_start;
use super::request::{CreateSession, refused};
use super::row::SessionRow;
use crate::access::Principal;
use crate::agents::Service;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::runs::ToOpen;
use crate::runs::book::{Book, run_id};
use crate::seams::store::{Append, Commit, CommitError, Op, Writer};
use crate::streams::saved::save_messages;

/// What a create answers.
#[derive(Clone, Debug)]
pub struct Created {
    /// The row, new or found.
    pub row: Arc<SessionRow>,
    /// A fresh session token.
    pub token: String,
    /// Was it there before?
    pub found: bool,
}

impl Gateway {
    /// Creates the session, or finds it by its external id; idempotent.
    pub async fn create_session(
        &self,
        principal: &Principal,
        mut request: CreateSession,
        expires_at: Option<u64>,
    ) -> Result<Created> {
        request.validate()?;
        may_create(principal, &request)?;
        if !self.knows_agent(&principal.environment, &request.task_identifier).await? {
            return Err(unknown_agent(&request.task_identifier));
        }
        let depth = self.depth(principal).await?;
        let now = self.now();
        let open = self.head_start(principal, &request, now)?;
        if expires_at.is_some_and(|at| at <= now) {
            return Err(refused("expiresAt", "expiresAt must lie in the future"));
        }
        loop {
            let mut row = self.new_row(principal, &request, expires_at);
            row.depth = depth;
            let key = SessionKey::new(&principal.environment, row.name());
            let found = self.store().session(&key).await.map_err(error::store)?;
            if let Some(found) = &found {
                // The right to start an agent is none to somebody else's session.
                let ids = [found.name(), &found.id];
                principal.require(principal.may_session(Action::Write, &ids, None))?;
            }
            let class = if principal.is_secret() { "secret" } else { "public" };
            let outcome = match (&found, open.clone()) {
                (Some(found), Some(open)) if found.closed_at.is_none() => {
                    self.open_head_start(&key, found, open).await?;
                    Ok(())
                }
                (Some(found), _) => self.refresh(&key, found, &request).await,
                (None, open) => self.insert(&key, row, &request, class, open).await,
            };
            match outcome {
                // Somebody else was first: look again, and find theirs.
                Err(CommitError::RowChanged { .. }) => {}
                Err(failure) => return Err(error::commit(failure)),
                Ok(()) => return self.created(principal, &key, found.is_some()).await,
            }
        }
    }

    async fn created(
        &self,
        principal: &Principal,
        key: &SessionKey,
        found: bool,
    ) -> Result<Created> {
        let row = self.store().session(key).await.map_err(error::store)?;
        let row = row.ok_or_else(|| error::session_not_found(key.name()))?;
        error::open_or(&row, self.now())?;
        self.wake(key, &row);
        let token = self.session_token(principal, &row, found)?;
        Ok(Created { row, token, found })
    }

    /// A token for the session: of a session that was there, no more than the caller may do, and
    /// for no longer.
    fn session_token(
        &self,
        principal: &Principal,
        row: &SessionRow,
        found: bool,
    ) -> Result<String> {
        let access = self.access();
        let Some(expires) = principal.expires() else {
            return access.mint_session_token(&row.environment, row.name());
        };
        let ids = [row.name(), &row.id];
        let scopes = [Action::Read, Action::Write]
            .into_iter()
            .filter(|action| !found || principal.may_session(*action, &ids, None))
            .map(|action| format!("{}:sessions:{}", action.as_str(), row.name()));
        let expires = expires.min(access.now_s() + SESSION_TOKEN_TTL_S);
        access.mint(&row.environment, scopes.collect(), expires, None, None)
    }

    /// How deep a session of `principal` is: one deeper than that of the run that makes it.
    async fn depth(&self, principal: &Principal) -> Result<usize> {
        let Some(run) = principal.run() else { return Ok(0) };
        let parent = self.store().session(&run.session).await.map_err(error::store)?;
        let depth = parent.map_or(0, |row| row.depth) + 1;
        if depth > SUBAGENT_DEPTH_MAX {
            let text = format!("sub-agents may be at most {SUBAGENT_DEPTH_MAX} deep");
            return Err(ApiError::new(ErrorCode::Unprocessable, text));
        }
        Ok(depth)
    }

    fn new_row(
        &self,
        principal: &Principal,
        request: &CreateSession,
        expires_at: Option<u64>,
    ) -> SessionRow {
        let now = self.now();
        let environment = &principal.environment;
        let id = match (&request.external_id, &request.idempotency_key) {
            (None, Some(key)) => ids::session_id_for_request(environment, key),
            (Some(name), _) => ids::session_id(ids::partition_of(name), self.entropy()),
            (None, None) => ids::session_id(self.entropy() as u8, self.entropy()),
        };
        SessionRow {
            run_id: run_id(&id, 1),
            depth: 0,
            id,
            external_id: request.external_id.clone(),
            environment: environment.to_string(),
            kind: request.kind.clone(),
            agent: request.task_identifier.clone(),
            trigger_config: Value::Object(request.trigger_config.clone()),
            tags: request.tags.clone().unwrap_or_default(),
            metadata: request.metadata.clone().map(Value::Object),
            closed_at: None,
            closed_reason: None,
            expires_at,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }

    async fn insert(
        &self,
        key: &SessionKey,
        row: SessionRow,
        request: &CreateSession,
        class: &str,
        open: Option<ToOpen>,
    ) -> std::result::Result<(), CommitError> {
        let first = request.base_payload().and_then(|base| first_message(base, row.name()));
        let agent = self.agents().find(&row.environment, &row.agent);
        let runs = matches!(agent.map(|agent| agent.service), Some(Service::Runs { .. }));
        let mut ops = vec![Op::PutRow { expected: None, row: Box::new(row) }];
        if let Some(ToOpen { head_start, messages, .. }) = open {
            let head_start = Some(head_start);
            ops.push(Book { wanted: true, head_start, ..Book::default() }.put());
            ops.extend(save_messages(None, &messages, self.now()));
        } else if runs {
            // Its agent gets the base payload itself, first message included.
            ops.push(Book { wanted: true, initial: first.is_some(), ..Book::default() }.put());
        } else {
            ops.extend(first.map(|record| self.first_input(record, class)));
        }
        self.store().commit(Commit { session: key.clone(), ops }).await.map(drop)
    }

    /// The head start that the create opens.
    fn head_start(
        &self,
        principal: &Principal,
        request: &CreateSession,
        now: u64,
    ) -> Result<Option<ToOpen>> {
        let config = &request.trigger_config;
        let Some((head_start, messages)) = head_start::asked(config, now)? else { return Ok(None) };
        principal.require_secret()?;
        let agent = self.agents().find(&principal.environment, &request.task_identifier);
        if matches!(agent.map(|agent| agent.service), Some(Service::Turns(_))) {
            return Err(head_start::not_for_turns(&request.task_identifier));
        }
        Ok(Some(ToOpen { head_start, config: config.clone(), messages }))
    }

    /// A message in the base payload is the session's first input, so that it is owed an answer
    /// like any other (I7).
    fn first_input(&self, text: String, class: &str) -> Op {
        let mut record = NewRecord::text(&text, &ids::base36(self.entropy(), 21));
        record.headers.push((control::CREDENTIAL.to_owned(), class.to_owned()));
        Op::Append(Append {
            channel: Channel::IN,
            writer: Writer::Client,
            frame_key: None,
            records: vec![record],
            owed: true,
        })
    }

    /// A repeated create replaces the trigger configuration (trigger-client §1.1), never the agent.
    async fn refresh(
        &self,
        key: &SessionKey,
        found: &SessionRow,
        request: &CreateSession,
    ) -> std::result::Result<(), CommitError> {
        let same = found.trigger_config.as_object() == Some(&request.trigger_config);
        if same || found.closed_at.is_some() {
            return Ok(());
        }
        let mut row = found.clone();
        row.trigger_config = Value::Object(request.trigger_config.clone());
        row.updated_at = self.now();
        let ops = vec![Op::PutRow { expected: Some(found.version), row: Box::new(row) }];
        self.store().commit(Commit { session: key.clone(), ops }).await.map(drop)
    }
}

fn may_create(principal: &Principal, request: &CreateSession) -> Result<()> {
    let ids = [request.external_id.as_deref().unwrap_or("")];
    let agent = Resource::Task(&request.task_identifier);
    principal.require(
        principal.may_session(Action::Write, &ids, None) || principal.may(Action::Write, &agent),
    )
}

/// The error for an agent that the configuration does not have.
pub fn unknown_agent(agent: &str) -> ApiError {
    let message =
        format!("there is no agent {agent:?}; register it, or add an [[agent]] with this id");
    ApiError::new(ErrorCode::UnknownAgent, message).at("taskIdentifier")
}

/// The `.in` record for a first turn that came in the base payload; `None` for a preload.
fn first_message(base: &Map<String, Value>, chat_id: &str) -> Option<String> {
    let trigger = base.get("trigger").and_then(Value::as_str).and_then(Trigger::parse)?;
    let wanted = match trigger {
        Trigger::Submit => base.get("message").is_some_and(Value::is_object),
        Trigger::Action => base.contains_key("action"),
        Trigger::Regenerate | Trigger::Close | Trigger::Preload => false,
    };
    if !wanted {
        return None;
    }
    let mut payload = base.clone();
    payload.remove("messages");
    payload.insert("chatId".to_owned(), Value::String(chat_id.to_owned()));
    Some(serde_json::json!({"kind": "message", "payload": payload}).to_string())
}
