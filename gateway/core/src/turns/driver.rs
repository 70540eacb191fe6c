//! Runs one session's machine: reads inputs, performs effects, polls the backend. No decisions.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::limits::{READ_PAGE_MAX_BYTES, RECORDS_PAGE_MAX, TRANSCRIPT_MESSAGES_MAX};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info_span};

use super::asked::{Asked, Step, next};
use super::conversation::Conversation;
use super::engine::Shared;
use super::machine::{Effect, Machine, Setting};
use super::serve::Exit;
use super::state::{Active, ENGINE_BLOB, EngineState, MESSAGE_PREFIX, StoredMessage};
use crate::agents::Service;
use crate::drivers::{Epochs, Inbox, far};
use crate::fleet::Hold;
use crate::seams::backend::{AgentBackend, BackendError, Chunk};
use crate::seams::store::{Commit, CommitError, Committed, Op, ReadLimit, StoreError};
use crate::seams::{BoxFuture, StreamStore};
use crate::sessions::row::SessionRow;

/// A driver without work stays this long, so that the next input finds its history in memory.
const IDLE: Duration = Duration::from_secs(30);
const PAGE: ReadLimit = ReadLimit { records: RECORDS_PAGE_MAX, bytes: READ_PAGE_MAX_BYTES };

type Early = BoxFuture<'static, Result<Committed, CommitError>>;

pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) session: SessionKey,
    pub(super) row: Arc<SessionRow>,
    pub(super) inbox: Inbox<Infallible>,
    /// The right to serve the session.
    pub(super) hold: Hold,
    /// The store failed under the last machine.
    pub(super) failed: bool,
    epochs: Epochs,
}

/// What runs besides the machine.
#[derive(Default)]
struct Running {
    answer: Option<Asked>,
    early: Option<Early>,
    /// The store has failed, and no commit has succeeded since.
    careful: bool,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, session: SessionKey, inbox: Inbox<Infallible>) -> Self {
        let row = inbox.row();
        let (hold, failed, epochs) = Default::default();
        Self { shared, session, row, inbox, hold, failed, epochs }
    }

    pub(super) async fn drive(&mut self) -> Result<Exit, CommitError> {
        let agent = self.shared.agents.find(&self.row.environment, &self.row.agent);
        let Some(Service::Turns(backend)) = agent.map(|agent| agent.service) else {
            return Ok(Exit::Idle);
        };
        if let Some(node) = self.better_place(&*backend) {
            return Ok(Exit::Moved(node));
        }
        let (mut machine, mut running) = self.restore(&*backend).await?;
        if machine.is_idle() {
            // A new session, or a preload: a message is likely.
            backend.warm_up();
        }
        let (mut looked, mut idle_from) = (Instant::now(), None);
        loop {
            // Made before the flag is read, so that no drain is missed in between.
            let drain = self.shared.keeper.drained();
            self.inbox.set_busy(!machine.is_between_turns());
            if machine.is_between_turns() && self.shared.keeper.is_draining() {
                return self.finish(running).await;
            }
            let due = machine.poll_timeout().map(|at| self.instant(at));
            let idle = machine.is_idle();
            idle_from = idle.then(|| idle_from.unwrap_or_else(Instant::now));
            tokio::select! {
                biased;
                poked = self.inbox.pokes.recv() => {
                    if poked.is_none() { return self.finish(running).await; }
                    self.look_at_row(&mut machine);
                    if machine.is_idle() && let Some(node) = self.better_place(&*backend) {
                        return Ok(Exit::Moved(node));
                    }
                    self.read_inputs(&mut machine, &mut running, &*backend).await?;
                }
                done = early(&mut running.early) => {
                    running.early = None;
                    done?;
                }
                step = next(&mut running.answer) => match step {
                    Step::Item(item) => self.take(&mut machine, &mut running, item),
                    Step::Place(node) => {
                        running.answer = None;
                        machine.handle_moved(self.now());
                        self.perform(&mut machine, &mut running, &*backend).await?;
                        return Ok(Exit::Moved(node));
                    }
                },
                () = sleep_until(due.unwrap_or_else(far)), if due.is_some() => {
                    machine.handle_timeout(self.now());
                }
                () = self.shared.common.serving.look(looked) => {
                    looked = Instant::now();
                    // An answer that is under way is not given up.
                    if machine.is_between_turns() {
                        self.epochs.look(&*self.shared.common.store, &self.session).await?;
                    }
                    self.read_inputs(&mut machine, &mut running, &*backend).await?;
                }
                () = sleep_until(idle_from.unwrap_or_else(far) + IDLE), if idle => {
                    return self.finish(running).await;
                }
                () = drain => {}
            }
            self.perform(&mut machine, &mut running, &*backend).await?;
        }
    }

    fn take(
        &self,
        machine: &mut Machine,
        running: &mut Running,
        item: Option<Result<Vec<Chunk>, BackendError>>,
    ) {
        if let Some(Asked { steering: Some(steering), .. }) = &running.answer {
            machine.handle_injected(steering.take_injected(), self.now());
        }
        match item {
            Some(Ok(chunks)) => machine.handle_chunks(chunks, self.now()),
            Some(Err(error)) => {
                debug!(%error, "the backend failed");
                running.answer = None;
                machine.handle_end(Err(error), self.now());
            }
            None => {
                running.answer = None;
                machine.handle_end(Ok(()), self.now());
            }
        }
    }

    /// Hands in what `.in` has beyond what was seen.
    async fn read_inputs(
        &self,
        machine: &mut Machine,
        running: &mut Running,
        backend: &dyn AgentBackend,
    ) -> Result<(), CommitError> {
        loop {
            let from = machine.seen().map_or(0, |seq| seq + 1);
            // A page may be short for its bytes, so only an empty one is the end.
            let page = self.read(Channel::IN, from, PAGE).await?;
            for record in &page {
                // Catching up after a turn may have handed in the rest of the page.
                if machine.seen() >= Some(record.seq_num) {
                    continue;
                }
                machine.handle_input(record, self.now());
                self.perform(machine, running, backend).await?;
            }
            if page.is_empty() {
                return Ok(());
            }
        }
    }

    async fn perform(
        &self,
        machine: &mut Machine,
        running: &mut Running,
        backend: &dyn AgentBackend,
    ) -> Result<(), CommitError> {
        while let Some(effect) = machine.poll_effect() {
            match effect {
                Effect::Commit(ops) => {
                    self.settle_early(running).await?;
                    let committed = self.commit(ops).await?;
                    machine.handle_committed(&committed);
                }
                Effect::CommitEarly(ops) => {
                    self.settle_early(running).await?;
                    let early = self.commit(ops);
                    // After a failure nothing is asked of a backend before the store has proved
                    // that it can keep the answer.
                    if std::mem::take(&mut running.careful) {
                        early.await?;
                    } else {
                        running.early = Some(early);
                    }
                }
                Effect::Ask(request) => {
                    let turn = info_span!("turn", turn = request.turn);
                    let call = info_span!(parent: &turn, "backend", attempt = request.attempt);
                    let steering = request.steering.clone();
                    let better_place = backend.better_place(&request.origin);
                    let stream = call.in_scope(|| backend.answer(*request));
                    running.answer = Some(Asked { stream, better_place, steering, call });
                }
                Effect::Cancel => running.answer = None,
                Effect::Offer(record) => {
                    if let Some(Asked { steering: Some(steering), .. }) = &running.answer {
                        steering.offer(*record);
                    }
                }
                // What waits stays owed: another gateway, or the next start, begins its turn.
                Effect::Fetch(_) if self.shared.keeper.is_draining() => return Ok(()),
                Effect::CatchUp => {
                    self.catch_up(machine).await?;
                    machine.handle_caught_up();
                }
                Effect::Fetch(seq) => {
                    let record = self.record(Channel::IN, seq).await?;
                    let record = record.ok_or_else(|| lost(seq))?;
                    machine.handle_input(&record, self.now());
                }
            }
        }
        Ok(())
    }

    /// Hands in what came while no turn may begin.
    async fn catch_up(&self, machine: &mut Machine) -> Result<(), CommitError> {
        loop {
            let from = machine.seen().map_or(0, |seq| seq + 1);
            let page = self.read(Channel::IN, from, PAGE).await?;
            for record in &page {
                machine.handle_input(record, self.now());
                while let Some(Effect::Commit(ops)) = machine.poll_effect() {
                    let committed = self.commit(ops).await?;
                    machine.handle_committed(&committed);
                }
            }
            if page.is_empty() {
                return Ok(());
            }
        }
    }

    async fn settle_early(&self, running: &mut Running) -> Result<(), CommitError> {
        match running.early.take() {
            Some(early) => early.await.map(drop),
            None => Ok(()),
        }
    }

    async fn finish(&self, mut running: Running) -> Result<Exit, CommitError> {
        self.settle_early(&mut running).await?;
        Ok(Exit::Idle)
    }

    /// Takes over what came with a poke, if it is newer.
    fn look_at_row(&mut self, machine: &mut Machine) {
        let row = self.inbox.row();
        if row.version > self.row.version {
            machine.handle_origin(Arc::new(row.origin()));
            self.row = row;
        }
    }

    /// Another gateway that should rather serve the session now.
    fn better_place(&self, backend: &dyn AgentBackend) -> Option<String> {
        backend.better_place(&self.row.origin())?.now_or_never()
    }

    /// The machine as the store has it, with everything handed in that was accepted before.
    async fn restore(&self, backend: &dyn AgentBackend) -> Result<(Machine, Running), CommitError> {
        let store = &self.shared.common.store;
        let state = match store.blob(&self.session, ENGINE_BLOB).await? {
            Some(bytes) => EngineState::parse(&bytes)?,
            None => EngineState::default(),
        };
        let conversation = Conversation::load(load_messages(&**store, &self.session).await?);
        let out = self.stream(Channel::OUT);
        let tail = store.state(&out).await?.tail;
        let (seen, active, last_out) = (state.seen, state.active.clone(), state.last_out);
        let setting = self.setting(backend);
        let mut machine = Machine::new(setting, state, conversation, tail, self.now());
        if let Some(seq) = last_out {
            let boundary = self.record(Channel::OUT, seq).await?;
            machine.restore_end(boundary.map_or(0, |record| record.timestamp));
        }
        if let Some(active) = &active {
            let (input, output) = self.read_active(active, tail).await?;
            machine.restore_active(input.as_ref(), &output, self.now());
        }
        let mut running = Running { careful: self.failed, ..Running::default() };
        let active_seq = active.map(|active| active.seq);
        let mut signals = Vec::new();
        for seq in store.owed(&self.session).await? {
            if Some(seq) != active_seq && seen.is_some_and(|seen| seq <= seen) {
                let record = self.record(Channel::IN, seq).await?;
                signals.extend(record.filter(|record| !machine.restore_owed(record)));
            }
        }
        machine.restore_queue();
        for record in &signals {
            machine.handle_input(record, self.now());
            self.perform(&mut machine, &mut running, backend).await?;
        }
        self.read_inputs(&mut machine, &mut running, backend).await?;
        machine.handle_restored(self.now());
        self.perform(&mut machine, &mut running, backend).await?;
        Ok((machine, running))
    }

    async fn read_active(
        &self,
        active: &Active,
        tail: u64,
    ) -> Result<(Option<Record>, Vec<Record>), StoreError> {
        let input = self.record(Channel::IN, active.seq).await?;
        let mut output: Vec<Record> = Vec::new();
        let mut next = active.out_start;
        while next < tail {
            let page = self.read(Channel::OUT, next, PAGE).await?;
            let Some(last) = page.last() else { break };
            next = last.seq_num + 1;
            output.extend(page);
        }
        Ok((input, output))
    }

    fn setting(&self, backend: &dyn AgentBackend) -> Setting {
        Setting {
            agent: self.row.agent.as_str().into(),
            chat_id: self.row.name().into(),
            origin: Arc::new(self.row.origin()),
            abilities: backend.abilities(),
            limits: self.shared.limits,
            entropy: Arc::clone(&self.shared.common.entropy),
            metrics: Arc::clone(&self.shared.common.metrics),
        }
    }

    fn commit(&self, ops: Vec<Op>) -> Early {
        let store = Arc::clone(&self.shared.common.store);
        let commit = Commit { session: self.session.clone(), ops: self.hold.guard(ops) };
        Box::pin(async move { store.commit(commit).await })
    }

    /// The record at `seq`; `None` if it is gone.
    async fn record(&self, channel: Channel, seq: u64) -> Result<Option<Record>, StoreError> {
        let page = self.read(channel, seq, ReadLimit { records: 1, ..PAGE }).await?;
        Ok(page.into_iter().find(|record| record.seq_num == seq))
    }

    async fn read(
        &self,
        channel: Channel,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, StoreError> {
        self.shared.common.store.read(&self.stream(channel), from, limit).await
    }

    fn stream(&self, channel: Channel) -> StreamId {
        StreamId { session: self.session.clone(), channel }
    }

    fn now(&self) -> u64 {
        self.shared.common.clock.unix_millis()
    }

    fn instant(&self, at: u64) -> Instant {
        Instant::now() + Duration::from_millis(at.saturating_sub(self.now()))
    }
}

/// Every stored message of a session, oldest first.
pub(crate) async fn load_messages(
    store: &dyn StreamStore,
    session: &SessionKey,
) -> Result<Vec<StoredMessage>, StoreError> {
    let blobs = store.blobs(session, MESSAGE_PREFIX, None, TRANSCRIPT_MESSAGES_MAX + 1).await?;
    blobs.iter().rev().map(|(_, bytes)| StoredMessage::parse(bytes)).collect()
}

async fn early(early: &mut Option<Early>) -> Result<Committed, CommitError> {
    match early {
        Some(early) => early.as_mut().await,
        None => std::future::pending().await,
    }
}

fn lost(seq: u64) -> StoreError {
    StoreError::Corrupt(format!("the owed input {seq} is gone"))
}
