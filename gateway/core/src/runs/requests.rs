//! Runs, as callers ask for them (R-RUNS).

use std::sync::Arc;

use serde_json::Value;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::link::HeldWork;
use tidegate_protocol::{ApiError, ErrorCode, NewRecord};
use tokio::sync::oneshot;

use super::book::{BOOK_BLOB, Book, RUN_PREFIX, RunRow, parse_run_id, run_id, run_name};
use super::calls::Call;
use super::driver::want;
use super::notes::Notes;
use crate::access::Principal;
use crate::agents::Service;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Appended, ListQuery, StoreError, Writer};
use crate::sessions::row::SessionRow;
use crate::workers::WorkerKey;

/// A run and its session.
#[derive(Clone, Debug)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// Its state.
    pub run: RunRow,
    /// Its session.
    pub session: Arc<SessionRow>,
    /// Its metadata and tags.
    pub notes: Notes,
}

impl RunView {
    /// Tags of its session and of the session's trigger configuration.
    pub fn tags(&self) -> Vec<&str> {
        let config = self.session.trigger_config.get("tags").and_then(Value::as_array);
        let config = config.into_iter().flatten().filter_map(Value::as_str);
        let own = self.session.tags.iter().chain(&self.notes.tags);
        let mut tags: Vec<_> = own.map(String::as_str).collect();
        tags.extend(config);
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

/// A page of runs: sessions newest first, the runs of each newest first.
#[derive(Clone, Debug, Default)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunView>,
    /// Cursor of the older page.
    pub next: Option<String>,
}

/// Answer to `end-and-continue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continued {
    /// Id of the run that has taken over, or will.
    pub run_id: String,
    /// Was it this caller that made it so?
    pub swapped: bool,
    /// Its version is not there yet.
    pub pending_version: bool,
}

/// Runs of one session that a listing shows.
const RUNS_OF_SESSION_MAX: usize = 100;

impl Gateway {
    /// A run. Needs a secret key.
    pub async fn retrieve_run(&self, principal: &Principal, id: &str) -> Result<RunView> {
        principal.require_secret()?;
        let (key, session, number) = self.find_run(principal, id).await?;
        let blob = self.store().blob(&key, &run_name(number)).await.map_err(error::store)?;
        let run = match blob {
            Some(bytes) => RunRow::parse(&bytes).map_err(error::store)?,
            // Wanted, but no worker has it yet.
            None if session.run_id == id => RunRow::queued(number, session.created_at),
            None => return Err(run_not_found(id)),
        };
        let notes = self.notes(&key, number).await.map_err(error::store)?;
        Ok(RunView { id: id.to_owned(), run, session, notes })
    }

    /// Runs of the sessions that `query` finds. Needs a secret key.
    pub async fn list_runs(&self, principal: &Principal, query: ListQuery) -> Result<RunPage> {
        principal.require_secret()?;
        let page = self.store().list(query).await.map_err(error::store)?;
        let mut runs = Vec::new();
        for row in page.rows {
            let key = SessionKey::new(&row.environment, row.name());
            let session = Arc::new(row);
            let blobs = self.store().blobs(&key, RUN_PREFIX, None, RUNS_OF_SESSION_MAX).await;
            for (_, bytes) in blobs.map_err(error::store)? {
                let run = RunRow::parse(&bytes).map_err(error::store)?;
                let id = run_id(&session.id, run.number);
                let notes = self.notes(&key, run.number).await.map_err(error::store)?;
                runs.push(RunView { id, run, session: Arc::clone(&session), notes });
            }
        }
        Ok(RunPage { runs, next: page.next })
    }

    /// Cancels a run: the turn that runs ends in an error. Needs a secret key.
    pub async fn cancel_run(&self, principal: &Principal, id: &str) -> Result<()> {
        principal.require_secret()?;
        let (key, session, number) = self.find_run(principal, id).await?;
        let (reply, answer) = oneshot::channel();
        self.call_runs(&key, &session, Call::Cancel { number, reply }, answer).await?;
        Ok(())
    }

    /// The run `calling` wants another to take over. `deployment`: pins the session to a version,
    /// or lets its pin go, if `upgrade`. Needs a secret key.
    pub async fn end_and_continue(
        &self,
        principal: &Principal,
        name: &str,
        calling: &str,
        upgrade: bool,
        deployment: Option<String>,
    ) -> Result<Continued> {
        principal.require_secret()?;
        let located = self.locate(principal, name).await?;
        let row = located.open(self.now())?;
        let number = match parse_run_id(calling) {
            Some((session, number)) if session == row.id => number,
            _ => return Err(run_not_found(calling)),
        };
        let row = if upgrade {
            self.change(&located, Vec::new(), |row| Ok(row.pin(deployment.as_deref()))).await?
        } else {
            Arc::clone(row)
        };
        let (reply, answer) = oneshot::channel();
        let call = Call::Succeed { number, upgrade, reply };
        let (next, missing) = self.call_runs(&located.key, &row, call, answer).await?;
        Ok(Continued {
            run_id: run_id(&row.id, next.number),
            swapped: next.swapped,
            pending_version: missing && row.locked_version().is_some(),
        })
    }

    /// Is the session locked to a version that no worker has (R-RUNS-16)?
    pub fn is_version_pending(&self, row: &SessionRow) -> bool {
        let agent = self.agents().find(&row.environment, &row.agent).map(|agent| agent.service);
        row.locked_version().is_some()
            && matches!(agent, Some(Service::Runs { .. } | Service::Awaited))
            && !self.workers().can_serve(&want(row, None))
    }

    /// Somebody reads the answers of a session: a run that is wanted although nothing of `.in` is
    /// owed may have been forgotten with the gateway and the worker that had it (R-RUNS-5).
    pub(crate) async fn wake_wanted(&self, key: &SessionKey, row: &Arc<SessionRow>) -> Result<()> {
        let agent = self.agents().find(&row.environment, &row.agent).map(|agent| agent.service);
        if !matches!(agent, Some(Service::Runs { .. })) {
            return Ok(());
        }
        let blob = self.store().blob(key, BOOK_BLOB).await.map_err(error::store)?;
        let book = blob.map(|bytes| Book::parse(&bytes)).transpose().map_err(error::store)?;
        if book.is_some_and(|book| book.initial || book.wanted || book.head_start.is_some()) {
            self.runs().poke(key, row);
        }
        Ok(())
    }

    /// Does a turn run, or wait for its run, whose message is not on `.in`?
    pub(crate) async fn begins_without_input(&self, key: &SessionKey) -> Result<bool> {
        let blob = self.store().blob(key, BOOK_BLOB).await.map_err(error::store)?;
        let book = blob.map(|bytes| Book::parse(&bytes)).transpose().map_err(error::store)?;
        Ok(book.is_some_and(|book| book.begins_without_input()))
    }

    /// Appends records with a boundary among them, for whoever may write them.
    pub(crate) async fn append_boundary(
        &self,
        key: &SessionKey,
        row: &Arc<SessionRow>,
        writer: Writer,
        records: Vec<NewRecord>,
        frame_key: Option<String>,
    ) -> Result<Appended> {
        let (reply, answer) = oneshot::channel();
        let call = Call::Boundary { records, writer, frame_key, reply };
        self.call_runs(key, row, call, answer).await?.map_err(error::commit)
    }

    /// A worker holds a run that this process does not know: is it still the session's?
    pub(crate) async fn adopt_run(&self, key: &WorkerKey, held: &HeldWork) -> bool {
        let (Some(id), Some(fence)) = (&held.run, held.fence) else { return false };
        let Some((session, number)) = parse_run_id(id) else { return false };
        let found = self.store().resolve(&key.environment, &session).await;
        let Ok(Some(session)) = found else { return false };
        let Ok(Some(row)) = self.store().session(&session).await else { return false };
        let workers = self.workers();
        let Some(work) = workers.adopt(key, &held.id, held.acked, row.depth) else { return false };
        let (reply, adopted) = oneshot::channel();
        let (parked, seen) = (held.parked, held.seen);
        let call = Call::Adopt { work, number, fence, parked, seen, reply };
        self.runs().call(&session, &row, call).await && adopted.await.unwrap_or(false)
    }

    pub(super) async fn call_runs<T>(
        &self,
        key: &SessionKey,
        row: &Arc<SessionRow>,
        call: Call,
        answer: oneshot::Receiver<T>,
    ) -> Result<T> {
        let gone = || error::store(StoreError::Unavailable("the session's driver ended".into()));
        if !self.runs().call(key, row, call).await {
            return Err(ApiError::new(ErrorCode::Draining, "this gateway is about to stop"));
        }
        answer.await.map_err(|_| gone())
    }

    pub(super) async fn find_run(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<(SessionKey, Arc<SessionRow>, u64)> {
        let (session, number) = parse_run_id(id).ok_or_else(|| run_not_found(id))?;
        let located = self.locate(principal, &session).await?;
        match located.row {
            Some(row) => Ok((located.key, row, number)),
            None => Err(run_not_found(id)),
        }
    }
}

fn run_not_found(id: &str) -> ApiError {
    ApiError::new(ErrorCode::RunNotFound, format!("there is no run {id:?} in this environment"))
}
