//! The turn machine of one session. Pure: inputs and backend events in, effects out; time is an
//! argument.
//!
//! After every `handle_*` the driver calls [`Machine::poll_effect`] until `None` and performs each
//! effect before the next; it never hands in an input while effects wait. A failed commit ends the
//! machine: the driver drops it and restores another from the store.

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_protocol::ids::Channel;
use tidegate_protocol::input::Input;
use tidegate_protocol::limits::{RETRY_PAUSE_MS, TURN_ATTEMPTS_MAX, TURN_KEEP_ALIVE_MS};
use tidegate_protocol::{NewRecord, Record, control};

use super::answer::Answer;
use super::conversation::Conversation;
use super::ending::Ending;
use super::engine::TurnLimits;
use super::state::EngineState;
use crate::metrics::Metrics;
use crate::seams::Entropy;
use crate::seams::backend::{Abilities, BackendError, BackendFault, Chunk, Origin, TurnRequest};
use crate::seams::store::{Append, Committed, Fate, Op, Writer};

/// What the driver has to do.
#[derive(Debug)]
pub enum Effect {
    /// Read the `.in` record at this seq and hand it in.
    Fetch(u64),
    /// Hand in what `.in` has, then call [`Machine::handle_caught_up`].
    CatchUp,
    /// Commit these operations, then call [`Machine::handle_committed`].
    Commit(Vec<Op>),
    /// Begin committing these operations; they must be durable before the next commit is.
    CommitEarly(Vec<Op>),
    /// Ask the backend.
    Ask(Box<TurnRequest>),
    /// Drop the backend's stream.
    Cancel,
    /// Offer a message to the backend that answers.
    Offer(Box<Record>),
}

/// What a machine is made for.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The agent's id.
    pub agent: Arc<str>,
    /// The session's name.
    pub chat_id: Arc<str>,
    /// Whose session it is.
    pub origin: Arc<Origin>,
    /// What the backend can do.
    pub abilities: Abilities,
    /// Time limits of a turn.
    pub limits: TurnLimits,
    /// For message ids.
    pub entropy: Arc<dyn Entropy>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// See the module.
#[derive(Debug)]
pub struct Machine {
    pub(super) setting: Setting,
    pub(super) state: EngineState,
    pub(super) conversation: Conversation,
    pub(super) phase: Phase,
    /// `.in` seqs that wait for their turn.
    pub(super) queue: VecDeque<u64>,
    /// `.in` seq and reason of the close that waits behind the turn that runs.
    pub(super) closing: Option<(u64, String)>,
    /// Where the next `.out` record will land, unless somebody else writes first.
    pub(super) next_out: u64,
    pub(super) effects: VecDeque<Effect>,
    /// Timestamp of the newest boundary: a stop from before it hits no later turn (I5).
    pub(super) ended_at: u64,
    now: u64,
    /// Unix ms of the last `.out` record of this turn.
    last_write: u64,
    /// Unix ms of the backend's last sign of life, and of the turn's start.
    last_chunk: u64,
    started: u64,
}

#[derive(Debug)]
pub(super) enum Phase {
    Idle,
    /// A turn has ended, or a restored queue waits: what came until now is handed in first. A stop
    /// among it was meant for the turn that has ended (I5).
    Between,
    /// The input at this seq is being read.
    Fetching(u64),
    /// A turn that ran before a crash; what becomes of it is not decided yet.
    Restored(Box<Answer>),
    /// The backend answers.
    Running(Box<Answer>),
    /// The backend is asked again at this time (Unix ms).
    Waiting(Box<Answer>, u64),
}

impl Machine {
    /// A machine at `state`, as the store has it; [`Machine::restore_active`] adds a turn that ran.
    pub fn new(
        setting: Setting,
        state: EngineState,
        conversation: Conversation,
        next_out: u64,
        now: u64,
    ) -> Self {
        Self {
            setting,
            state,
            conversation,
            phase: Phase::Idle,
            queue: VecDeque::new(),
            closing: None,
            next_out,
            effects: VecDeque::new(),
            ended_at: 0,
            now,
            last_write: now,
            last_chunk: now,
            started: now,
        }
    }

    /// The next effect.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Machine::handle_timeout`] wants to be called, Unix ms.
    pub fn poll_timeout(&self) -> Option<u64> {
        match &self.phase {
            Phase::Idle | Phase::Between | Phase::Fetching(_) | Phase::Restored(_) => None,
            Phase::Waiting(_, at) => Some((*at).min(self.keep_alive_at())),
            Phase::Running(_) => Some(
                self.keep_alive_at()
                    .min(self.last_chunk + self.setting.limits.idle_ms)
                    .min(self.started + self.setting.limits.total_ms),
            ),
        }
    }

    /// Does no turn run, and does none wait?
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.queue.is_empty()
    }

    /// Does no turn run? One may wait.
    pub fn is_between_turns(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Between | Phase::Fetching(_))
    }

    /// Highest `.in` seq that was looked at.
    pub fn seen(&self) -> Option<u64> {
        self.state.seen
    }

    /// The session's row has changed; turns that begin from now on go by it.
    pub fn handle_origin(&mut self, origin: Arc<Origin>) {
        self.setting.origin = origin;
    }

    /// A `.in` record, in order of seq; also the one that was asked for by [`Effect::Fetch`].
    pub fn handle_input(&mut self, record: &Record, now: u64) {
        debug_assert!(self.effects.is_empty(), "inputs wait for effects: {:?}", self.effects);
        self.now = now;
        let seq = record.seq_num;
        self.state.seen = self.state.seen.max(Some(seq));
        let fetched = matches!(self.phase, Phase::Fetching(asked) if asked == seq);
        if fetched {
            self.phase = Phase::Idle;
        }
        match Input::of(record) {
            Input::Opaque if fetched => self.settle(seq, Fate::Consumed),
            Input::Opaque => {}
            Input::Stop => self.stop(record),
            Input::HandOver { .. } | Input::HandOverSkip => {
                self.settle(seq, Fate::Rejected { reason: "no head start waits for it".into() });
            }
            Input::Message(payload) if !matches!(self.phase, Phase::Idle) => {
                self.wait(record);
                self.offer(record, &payload);
            }
            Input::Message(payload) => self.begin(record, *payload),
        }
        self.advance();
    }

    /// Everything that came before the last turn ended has been handed in.
    pub fn handle_caught_up(&mut self) {
        if matches!(self.phase, Phase::Between) {
            self.phase = Phase::Idle;
        }
        self.advance();
    }

    /// Chunks of the backend.
    pub fn handle_chunks(&mut self, chunks: Vec<Chunk>, now: u64) {
        self.now = now;
        let Phase::Running(answer) = &mut self.phase else { return };
        self.last_chunk = now;
        let (records, outcome) = answer.admit(chunks);
        self.write(records);
        if let Err(error) = outcome {
            self.effects.push_back(Effect::Cancel);
            self.end(Ending::Failed(error.message));
        }
        self.advance();
    }

    /// The backend's stream ended.
    pub fn handle_end(&mut self, outcome: Result<(), BackendError>, now: u64) {
        self.now = now;
        let Phase::Running(answer) = &mut self.phase else { return };
        match outcome {
            Ok(()) => self.end(Ending::Finished),
            Err(error) if may_retry(answer, &error) => self.retry_later(error.kind),
            Err(error) => self.end(Ending::Failed(error.message)),
        }
        self.advance();
    }

    /// A commit succeeded.
    pub fn handle_committed(&mut self, committed: &Committed) {
        let Some(appended) = committed.appends.first() else { return };
        self.next_out = appended.first + appended.count;
        let expected = self.state.last_out;
        if self.state.active.is_none() {
            self.ended_at = appended.timestamp;
        }
        // Somebody else wrote to `.out` in between, so the boundary is not where it was expected.
        if self.state.active.is_none() && expected.is_some_and(|seq| seq < self.next_out - 1) {
            self.state.last_out = Some(self.next_out - 1);
            // Before the next turn begins, if one waits already.
            self.effects.push_front(Effect::Commit(vec![self.state.put()]));
        }
    }

    /// A time that [`Machine::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: u64) {
        self.now = now;
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Waiting(answer, at) if at <= now => self.ask_again(answer),
            phase => self.phase = phase,
        }
        if matches!(self.phase, Phase::Running(_)) {
            let limits = self.setting.limits;
            let over = if now >= self.started + limits.total_ms {
                Some(format!("the answer took longer than {} s", limits.total_ms / 1_000))
            } else if now >= self.last_chunk + limits.idle_ms {
                Some(format!("nothing came for {} s", limits.idle_ms / 1_000))
            } else {
                None
            };
            if let Some(why) = over {
                self.effects.push_back(Effect::Cancel);
                self.end(Ending::Failed(format!("agent {:?}: {why}", self.setting.agent)));
            }
        }
        let runs = matches!(self.phase, Phase::Running(_) | Phase::Waiting(..));
        if runs && now >= self.keep_alive_at() {
            self.write(vec![control::keep_alive()]);
        }
        self.advance();
    }

    /// Puts a message at the end of the queue.
    pub(super) fn wait(&mut self, record: &Record) {
        if let Some(reason) = record.header(control::CLOSE) {
            self.closing = Some((record.seq_num, reason.to_owned()));
        }
        self.queue.push_back(record.seq_num);
    }

    /// Goes on with the next input that waits, once nothing runs.
    pub(super) fn advance(&mut self) {
        if matches!(self.phase, Phase::Idle)
            && let Some(next) = self.queue.pop_front()
        {
            self.phase = Phase::Fetching(next);
            self.effects.push_back(Effect::Fetch(next));
        }
    }

    fn retry_later(&mut self, fault: BackendFault) {
        let Phase::Running(mut answer) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        self.put_back(std::mem::take(&mut answer.injected));
        let pause_ms = match (fault, answer.request.attempt) {
            (BackendFault::Lost, 1) => 0,
            (BackendFault::Lost, _) => RETRY_PAUSE_MS,
            (_, attempt) => 500 * u64::from(attempt),
        };
        let at = self.now + pause_ms;
        self.phase = Phase::Waiting(answer, at);
    }

    /// Asks the backend again, as another attempt of the same turn.
    pub(super) fn ask_again(&mut self, mut answer: Box<Answer>) {
        answer.retry();
        if let Some(active) = &mut self.state.active {
            active.attempt = answer.request.attempt;
        }
        self.effects.push_back(Effect::CommitEarly(vec![self.state.put()]));
        self.effects.push_back(Effect::Ask(Box::new(answer.request.clone())));
        self.last_chunk = self.now;
        self.setting.metrics.turn_retried();
        self.phase = Phase::Running(answer);
    }

    /// The operations that save the history and the state.
    pub(super) fn save(&mut self) -> Vec<Op> {
        let mut ops = self.conversation.flush();
        self.state.messages = self.conversation.messages().len();
        self.state.saved_at = self.now;
        ops.push(self.state.put());
        ops
    }

    pub(super) fn write(&mut self, records: Vec<NewRecord>) {
        if records.is_empty() {
            return;
        }
        self.last_write = self.now;
        self.next_out += records.len() as u64;
        self.effects.push_back(Effect::Commit(vec![append(records)]));
    }

    pub(super) fn start_clock(&mut self) {
        (self.last_write, self.last_chunk, self.started) = (self.now, self.now, self.now);
    }

    fn keep_alive_at(&self) -> u64 {
        self.last_write + TURN_KEEP_ALIVE_MS
    }

    pub(super) fn set_now(&mut self, now: u64) {
        self.now = now;
    }
}

/// The operation that appends to `.out`.
pub(super) fn append(records: Vec<NewRecord>) -> Op {
    Op::Append(Append {
        channel: Channel::OUT,
        writer: Writer::Gateway { bump: false },
        frame_key: None,
        records,
        owed: false,
    })
}

/// A failure that nobody saw anything of is repeated, within the budget (I7).
fn may_retry(answer: &Answer, error: &BackendError) -> bool {
    matches!(error.kind, BackendFault::Unavailable | BackendFault::Lost)
        && !answer.has_content()
        && answer.request.attempt < TURN_ATTEMPTS_MAX
}
