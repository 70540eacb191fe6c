//! The effects of a machine, performed.

use std::sync::Arc;

use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::{Channel, base36};
use tidegate_protocol::link::{BootFrame, GatewayFrame};
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use serde_json::Value;

use super::drive::{Driver, PAGE};
use crate::access::RunIdentity;
use crate::agents::AgentKey;
use crate::runs::book::{Book, run_id};
use crate::runs::machine::{Effect, Machine};
use crate::runs::payload;
use crate::seams::store::{Append, CommitError, LeaseError, LeaseRequest, Op, StoreError, Writer};
use crate::sessions::row::SessionRow;
use crate::workers::Want;

/// The fence is what matters here; who serves a session is known in this process alone, so the
/// lease itself need not last.
const LEASE_MS: u64 = 1;
/// How long an evicted run may take to exit.
const EVICT_MS: u64 = 8_000;

impl Driver {
    pub(super) async fn perform(&mut self, machine: &mut Machine) -> Result<(), CommitError> {
        while let Some(effect) = machine.poll_effect() {
            match effect {
                Effect::Place => self.place(machine).await?,
                Effect::Unplace => (self.placing, self.slot, self.wanted) = (None, None, None),
                Effect::Fence => self.fence(machine).await?,
                Effect::Commit(ops) => {
                    self.commit(ops).await?;
                }
                Effect::Boot => self.boot(machine).await?,
                Effect::Deliver => self.deliver(machine).await?,
                Effect::Evict => {
                    if let Some(work) = &self.work {
                        work.send(GatewayFrame::evict(work.id(), EVICT_MS));
                    }
                }
                Effect::BeginStep(input) => self.begin_step(machine, input).await?,
                Effect::KeepFloor => self.keep_floor(machine).await?,
                Effect::KeepEnd => self.keep_end().await?,
                Effect::CancelStep => {
                    self.step = None;
                    self.trace.give_up();
                }
                Effect::End(Some(cause)) => {
                    self.shared.reads.end(&self.session);
                    self.unheard = None;
                    if let Some(work) = self.work.take() {
                        work.cancel(cause);
                    }
                }
                Effect::End(None) => {
                    self.shared.reads.end(&self.session);
                    self.unheard = None;
                    if let Some(work) = self.work.take() {
                        work.finish();
                    }
                }
                Effect::StopAgain => {
                    self.stop_again().await?;
                    self.deliver(machine).await?;
                }
            }
        }
        Ok(())
    }

    async fn place(&mut self, machine: &mut Machine) -> Result<(), CommitError> {
        self.look_at_row().await?;
        let want = want(&self.row, machine.book().worker.as_deref());
        if want.version.is_some() && !self.shared.workers.can_serve(&want) {
            machine.handle_missing_version();
        }
        if !machine.is_answering() {
            self.warm_up();
        }
        self.wanted = Some(want.clone());
        let workers = Arc::clone(&self.shared.workers);
        let placing = tokio::spawn(async move { workers.place(want).await });
        self.placing = Some(AbortOnDropHandle::new(placing));
        Ok(())
    }

    /// The session's row may name another version by now, and then no record on `.in` says so.
    pub(super) async fn look_at_row(&mut self) -> Result<(), StoreError> {
        if let Some(row) = self.shared.common.store.session(&self.session).await? {
            self.row = row;
        }
        Ok(())
    }

    async fn fence(&mut self, machine: &mut Machine) -> Result<(), CommitError> {
        let holder = format!("run:{}", base36(self.shared.common.entropy.next_u128(), 12));
        let request = LeaseRequest::Take { holder, ttl_ms: LEASE_MS };
        let lease = loop {
            match self.shared.common.store.lease(&self.session, request.clone()).await {
                Ok(lease) => break lease,
                Err(LeaseError::Held { .. }) => tokio::task::yield_now().await,
                Err(LeaseError::Store(error)) => return Err(error.into()),
            }
        };
        self.note_out(machine).await?;
        let Some(slot) = self.slot.take() else { return Ok(()) };
        if self.fit_step(machine, &slot) {
            let (version, worker) = (slot.version().to_string(), slot.worker().to_string());
            machine.handle_fenced(lease.fence, &version, &worker, self.now());
        }
        self.slot = machine.is_live().then_some(slot);
        Ok(())
    }

    async fn boot(&mut self, machine: &Machine) -> Result<(), CommitError> {
        let (Some(slot), book) = (self.slot.take(), machine.book()) else { return Ok(()) };
        let Some(current) = &book.current else { return Ok(()) };
        self.row = self.name_run(book.number).await?;
        let row = &self.row;
        let run = run_id(&row.id, book.number);
        let identity = RunIdentity {
            run: run.as_str().into(),
            session: self.session.clone(),
            fence: current.fence,
            attempt: current.attempt,
        };
        let token = self.shared.access.mint_run_token(&row.environment, &identity);
        let token = token.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let out = self.shared.common.store.state(&self.stream(Channel::OUT)).await?;
        self.out_at_boot = out.tail;
        self.delivered = book.floor;
        let records = self.takes_records();
        let tail = if records { self.tail(out.replay_floor).await? } else { Vec::new() };
        let checkpoint = if records { self.checkpoint().await? } else { None };
        // Whatever ran before, nobody has said anything yet.
        let fresh = book.head_start.as_ref().is_some_and(|open| open.first);
        let later = book.number > 1 || (book.turn > 0 && current.attempt == 1);
        let continuation = later && !fresh;
        let previous = (continuation && book.number > 1).then(|| run_id(&row.id, book.number - 1));
        let payload = self.boot_payload(book, continuation, previous.as_deref()).await?;
        let row = &self.row;
        let frame = BootFrame {
            id: format!("{run}:{}", current.attempt),
            session: row.id.clone(),
            chat: row.name().to_owned(),
            agent: row.agent.clone(),
            version: current.version.clone(),
            attempt: current.attempt,
            fence: current.fence,
            cause: book.cause,
            depth: row.depth,
            token,
            continuation,
            payload,
            previous_run: previous,
            floor: book.floor,
            checkpoint,
            tail,
            run,
        };
        self.trace.within(|| info!(run = frame.run, attempt = frame.attempt, "a run begins"));
        let id = frame.id.clone();
        self.work = Some(slot.begin(&id, GatewayFrame::Boot(Box::new(frame))));
        self.deliver(machine).await
    }

    async fn boot_payload(
        &self,
        book: &Book,
        continuation: bool,
        previous: Option<&str>,
    ) -> Result<Value, StoreError> {
        let open = book.head_start.as_ref();
        let mut payload = payload::boot(&self.row, continuation, previous, open.is_some());
        if let Some(open) = open
            && open.by_gateway.is_some()
            && !continuation
        {
            payload::prepare(&mut payload, self.saved_messages().await?);
        }
        Ok(payload)
    }

    /// The row with the id of the run that begins.
    async fn name_run(&self, number: u64) -> Result<Arc<SessionRow>, CommitError> {
        loop {
            let found = self.shared.common.store.session(&self.session).await?;
            let row = found.unwrap_or_else(|| Arc::clone(&self.row));
            let id = run_id(&row.id, number);
            if row.run_id == id || row.version == 0 {
                return Ok(row);
            }
            let named = SessionRow { run_id: id, ..(*row).clone() };
            let put = Op::PutRow { expected: Some(row.version), row: Box::new(named) };
            match self.commit(vec![put]).await {
                Ok(_) | Err(CommitError::RowChanged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Pushes `.in` records that the run has not been sent, if it takes them over the link.
    pub(super) async fn deliver(&mut self, machine: &Machine) -> Result<(), CommitError> {
        if self.work.is_none() || !self.takes_records() {
            return Ok(());
        }
        loop {
            let from = self.delivered.map_or(0, |seq| seq + 1);
            let mut page = self.read(Channel::IN, from, PAGE).await?;
            if let Some(first) = page.iter().position(|record| machine.withholds(record)) {
                page.truncate(first);
            }
            let (Some(last), Some(work)) = (page.last(), &self.work) else { return Ok(()) };
            self.delivered = Some(last.seq_num);
            let shown: Vec<_> = page.into_iter().filter(|record| machine.shows(record)).collect();
            if !shown.is_empty() {
                work.send(GatewayFrame::inputs(work.id(), shown));
            }
        }
    }

    async fn stop_again(&self) -> Result<(), CommitError> {
        let id = base36(self.shared.common.entropy.next_u128(), 21);
        let append = Append {
            channel: Channel::IN,
            writer: Writer::Gateway { bump: false },
            frame_key: None,
            records: vec![NewRecord::text(r#"{"kind":"stop"}"#, &id)],
            owed: false,
        };
        self.commit(vec![Op::Append(append)]).await.map(drop)
    }
}

/// What a run of `row` needs.
pub(crate) fn want(row: &SessionRow, prefer: Option<&str>) -> Want {
    Want {
        agent: AgentKey::new(&row.environment, &row.agent),
        version: row.locked_version().map(Into::into),
        depth: row.depth,
        prefer: prefer.map(Into::into),
    }
}
