//! Runs one session's machine: reads inputs, performs effects, speaks to the worker. No decisions.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::limits::{FLEET_ORPHAN_MS, READ_PAGE_MAX_BYTES, RECORDS_PAGE_MAX};
use tidegate_protocol::link::WorkerFrame;
use tidegate_protocol::record::Envelope;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::stepping::Stepping;
use super::trace::Trace;
use crate::drivers::{Epochs, Inbox, far};
use crate::fleet::Hold;
use crate::head_start::StepEvent;
use crate::runs::book::{BOOK_BLOB, Book, RunRow, run_name};
use crate::runs::calls::Call;
use crate::runs::engine::Shared;
use crate::runs::machine::Machine;
use crate::runs::machine::Owed;
use crate::runs::machine::head_start::OutState;
use crate::seams::BoxFuture;
use crate::seams::store::{Commit, CommitError, Committed, Op, ReadLimit, StoreError};
use crate::sessions::row::SessionRow;
use crate::workers::{Slot, Want, Work, WorkEvent, Workers};

/// A driver without a run stays this long.
const IDLE: Duration = Duration::from_secs(5);
/// How often it is looked whether a turn that must be stopped has shown itself.
const LOOK: Duration = Duration::from_millis(50);
pub(in crate::runs) const PAGE: ReadLimit =
    ReadLimit { records: RECORDS_PAGE_MAX, bytes: READ_PAGE_MAX_BYTES };

pub(in crate::runs) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) session: SessionKey,
    pub(super) row: Arc<SessionRow>,
    pub(super) inbox: Inbox<Call>,
    /// A call that was taken before the session was claimed.
    pub(super) called: Option<Call>,
    /// The right to serve the session.
    pub(super) hold: Hold,
    pub(super) work: Option<Work>,
    /// The first step of the running turn, while it is made here. Behind a lock that is never
    /// locked: a driver is shared between threads, what a backend answers with is not.
    pub(super) step: Option<Mutex<Stepping>>,
    /// A frame that the store failed under.
    pub(super) unheard: Option<Box<WorkerFrame>>,
    /// A task of its own, for it outlives each wait.
    pub(super) placing: Option<AbortOnDropHandle<Slot>>,
    pub(super) slot: Option<Slot>,
    /// What is being placed.
    pub(super) wanted: Option<Want>,
    /// Highest `.in` seq that was pushed to the run.
    pub(super) delivered: Option<u64>,
    /// Tail of `.out` when the run was handed over.
    pub(super) out_at_boot: u64,
    pub(super) trace: Trace,
    epochs: Epochs,
}

/// Why a driver stops serving its session.
pub(super) enum Exit {
    /// There is nothing to do.
    Idle,
    /// That gateway has a worker with room for it.
    Moved(String),
    /// Another gateway has the worker that holds its run.
    Yielded(oneshot::Sender<bool>),
}

/// What a driver waits for.
enum Event {
    Room(String),
    Poked,
    /// A poke may have got lost.
    Look,
    Forgotten,
    Called(Box<Call>),
    Worked(WorkEvent),
    Stepped(StepEvent),
    Placed(Slot),
    Due,
    Idle,
}

impl Driver {
    pub(in crate::runs) fn new(
        shared: Arc<Shared>,
        session: SessionKey,
        inbox: Inbox<Call>,
    ) -> Self {
        let (called, hold, work, unheard, placing, slot, wanted, delivered) = Default::default();
        Self {
            shared,
            session,
            row: inbox.row(),
            inbox,
            called,
            hold,
            work,
            step: None,
            unheard,
            placing,
            slot,
            wanted,
            delivered,
            out_at_boot: 0,
            trace: Trace::default(),
            epochs: Epochs::default(),
        }
    }

    pub(super) async fn drive(&mut self) -> Result<Exit, CommitError> {
        let mut machine = self.restore().await?;
        let (mut looked, mut idle_from) = (Instant::now(), None);
        loop {
            self.perform(&mut machine).await?;
            self.trace.look(machine.book());
            idle_from = machine.is_idle().then(|| idle_from.unwrap_or_else(Instant::now));
            match self.wait(&machine, looked, idle_from).await {
                Event::Poked => self.read_inputs(&mut machine).await?,
                Event::Look => {
                    looked = Instant::now();
                    self.epochs.look(&*self.shared.common.store, &self.session).await?;
                    self.read_inputs(&mut machine).await?;
                }
                Event::Forgotten => return Ok(Exit::Idle),
                Event::Called(call) => match *call {
                    Call::Yield(reply) if self.may_yield() => return Ok(Exit::Yielded(reply)),
                    call => self.answer(&mut machine, call).await?,
                },
                Event::Room(node) => return Ok(Exit::Moved(node)),
                Event::Worked(event) => self.take(&mut machine, event).await?,
                Event::Stepped(event) => self.stepped(&mut machine, event).await?,
                Event::Placed(slot) => {
                    self.placing = None;
                    self.slot = Some(slot);
                    machine.handle_placed(self.now());
                }
                Event::Due => self.look(&mut machine).await?,
                Event::Idle => return Ok(Exit::Idle),
            }
        }
    }

    async fn wait(
        &mut self,
        machine: &Machine,
        looked: Instant,
        idle_from: Option<Instant>,
    ) -> Event {
        let looks = machine.awaits_activity().then(|| Instant::now() + LOOK);
        let due = machine.poll_timeout().map(|at| self.instant(at));
        let due = due.into_iter().chain(looks).min();
        // What is made here is not left half done.
        let may_move = self.placing.is_some() && self.step.is_none();
        tokio::select! {
            biased;
            poked = self.inbox.pokes.recv() => match poked {
                Some(()) => Event::Poked,
                None => Event::Forgotten,
            },
            Some(call) = called(&mut self.called, &mut self.inbox.calls) => {
                Event::Called(Box::new(call))
            }
            event = next(self.work.as_ref(), &mut self.unheard) => Event::Worked(event),
            event = step(&mut self.step) => Event::Stepped(event),
            slot = placed(&mut self.placing) => Event::Placed(slot),
            node = elsewhere(&self.shared.workers, self.wanted.as_ref()), if may_move => {
                Event::Room(node)
            }
            () = sleep_until(due.unwrap_or_else(far)), if due.is_some() => Event::Due,
            () = self.shared.common.serving.look(looked) => Event::Look,
            () = sleep_until(idle_from.unwrap_or_else(far) + IDLE), if idle_from.is_some() => {
                Event::Idle
            }
        }
    }

    /// May the session go to the gateway whose worker holds its run?
    fn may_yield(&self) -> bool {
        let left = self.work.as_ref().is_none_or(Work::is_detached) && self.step.is_none();
        left || self.shared.keeper.is_draining()
    }

    /// Hands in what `.in` has beyond what was seen.
    pub(super) async fn read_inputs(&mut self, machine: &mut Machine) -> Result<(), CommitError> {
        loop {
            let from = machine.seen().map_or(0, |seq| seq + 1);
            // A page may be short for its bytes, so only an empty one is the end.
            let page = self.read(Channel::IN, from, PAGE).await?;
            if !page.is_empty() {
                machine.offer_head_start(self.has_head_start());
            }
            for record in &page {
                let is_of_turn = Owed::of(record).is_some_and(|owed| owed.is_of_turn());
                if is_of_turn || machine.may_overtake() {
                    self.note_out(machine).await?;
                }
                machine.handle_input(record, self.now());
                self.perform(machine).await?;
            }
            if page.is_empty() {
                return Ok(());
            }
        }
    }

    async fn look(&self, machine: &mut Machine) -> Result<(), CommitError> {
        let tail = self.note_out(machine).await?;
        if machine.awaits_activity() && machine.is_live() && tail > self.out_at_boot {
            machine.handle_activity(self.now());
        }
        machine.handle_timeout(self.now());
        Ok(())
    }

    /// Tells the machine where `.out` stands. Gives its tail.
    pub(super) async fn note_out(&self, machine: &mut Machine) -> Result<u64, StoreError> {
        let state = self.shared.common.store.state(&self.stream(Channel::OUT)).await?;
        let erred = self.ends_in_error(state.tail).await?;
        machine.note_out(OutState { tail: state.tail, written_at: state.last_timestamp, erred });
        Ok(state.tail)
    }

    async fn ends_in_error(&self, tail: u64) -> Result<bool, StoreError> {
        let Some(newest) = tail.checked_sub(1) else { return Ok(false) };
        let found = self.read(Channel::OUT, newest, ReadLimit { records: 1, ..PAGE }).await?;
        let chunk = found.first().and_then(Envelope::of);
        let chunk: Option<Chunk> =
            chunk.and_then(|chunk| serde_json::from_str(chunk.data.0.get()).ok());
        Ok(chunk.is_some_and(|chunk| chunk.kind == "error"))
    }

    /// The machine as the store has it, with what is owed.
    async fn restore(&mut self) -> Result<Machine, CommitError> {
        let store = Arc::clone(&self.shared.common.store);
        let book = match store.blob(&self.session, BOOK_BLOB).await? {
            Some(bytes) => Book::parse(&bytes)?,
            None => Book::default(),
        };
        let row = match store.blob(&self.session, &run_name(book.number)).await? {
            Some(bytes) => Some(RunRow::parse(&bytes)?),
            None => None,
        };
        self.placing = None;
        self.slot = None;
        let mut machine = Machine::new(book, row, self.shared.limits, self.now());
        machine.offer_head_start(self.has_head_start());
        if machine.book().wanted {
            self.warm_up();
        }
        if self.shared.common.serving.has_others() {
            machine.expect_worker_until(self.now() + FLEET_ORPHAN_MS);
        }
        // Before what is owed is asked for: what is not owed then, and is below, has its fate.
        let tail = store.state(&self.stream(Channel::IN)).await?.tail;
        for seq in store.owed(&self.session).await? {
            let limit = ReadLimit { records: 1, ..PAGE };
            let found = self.read(Channel::IN, seq, limit).await?;
            if let Some(record) = found.iter().find(|record| record.seq_num == seq) {
                machine.restore_owed(record);
            }
        }
        machine.restore_seen(tail);
        self.note_out(&mut machine).await?;
        self.step = None;
        self.restore_step(&mut machine).await?;
        if let Some(work) = &self.work {
            machine.handle_adopted(work.is_parked(), self.delivered, self.now());
        }
        machine.handle_restored(self.now());
        self.perform(&mut machine).await?;
        self.read_inputs(&mut machine).await?;
        Ok(machine)
    }

    pub(super) fn commit(&self, ops: Vec<Op>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        let ops = self.hold.guard(ops);
        self.shared.common.store.commit(Commit { session: self.session.clone(), ops })
    }

    pub(super) async fn read(
        &self,
        channel: Channel,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, StoreError> {
        self.shared.common.store.read(&self.stream(channel), from, limit).await
    }

    pub(super) fn stream(&self, channel: Channel) -> StreamId {
        StreamId { session: self.session.clone(), channel }
    }

    pub(super) fn now(&self) -> u64 {
        self.shared.common.clock.unix_millis()
    }

    fn instant(&self, at: u64) -> Instant {
        Instant::now() + Duration::from_millis(at.saturating_sub(self.now()))
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(rename = "type")]
    kind: String,
}

async fn next(work: Option<&Work>, unheard: &mut Option<Box<WorkerFrame>>) -> WorkEvent {
    if let Some(frame) = unheard.take() {
        return WorkEvent::Frame(frame);
    }
    match work {
        Some(work) => work.next().await,
        None => std::future::pending().await,
    }
}

async fn called(first: &mut Option<Call>, calls: &mut mpsc::Receiver<Call>) -> Option<Call> {
    match first.take() {
        Some(call) => Some(call),
        None => calls.recv().await,
    }
}

async fn elsewhere(workers: &Workers, want: Option<&Want>) -> String {
    match want {
        Some(want) => workers.room_elsewhere(want).await,
        None => std::future::pending().await,
    }
}

async fn step(step: &mut Option<Mutex<Stepping>>) -> StepEvent {
    match step {
        Some(step) => step.get_mut().warm.next().await,
        None => std::future::pending().await,
    }
}

async fn placed(placing: &mut Option<AbortOnDropHandle<Slot>>) -> Slot {
    match placing {
        Some(placing) => match placing.await {
            Ok(slot) => slot,
            // The runtime is going away.
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}
