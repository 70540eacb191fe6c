//! First steps that the gateway makes (R-HDS-11 to R-HDS-19): pure. The chunks of the warm backend
//! go to `.out`, the step's end hands over, and what nobody takes over is stored.

use serde_json::Value;
use tidegate_protocol::handover::Handover;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::input::BY_GATEWAY;
use tidegate_protocol::limits::{PRELOAD_BOOT_MS, RECORD_MAX_BYTES};
use tidegate_protocol::link::Cause;
use tidegate_protocol::transcript::{Blob, Entry, render};
use tidegate_protocol::ui::{Close, clean_partial};
use tidegate_protocol::{NewRecord, control};

use super::ending::append;
use super::owed::Owed;
use super::state::{Effect, Machine, Phase};
use crate::agents::TakesOver;
use crate::head_start::Outcome;
use crate::runs::book::{RunRow, RunStatus};
use crate::runs::opened::HeadStart;
use crate::seams::backend::Chunk;
use crate::seams::store::{Append, Op, Writer};
use crate::streams::transcript::SAVED_BLOB;
use crate::turns::INTERRUPTED;
use crate::turns::answer::Answer;

const TOO_LARGE: &str = "The answer is too large to be handed over to the agent.";

/// A first step of the running turn.
#[derive(Debug)]
pub struct FirstStep {
    answer: Answer,
    /// What is saved of the session, with the message that is answered.
    transcript: Blob,
}

impl FirstStep {
    /// A step of which `answer` holds what is on `.out`.
    pub fn new(answer: Answer, transcript: Blob) -> Self {
        Self { answer, transcript }
    }

    /// Can an agent go on from it that takes over `takes`?
    pub(super) fn fits(&self, takes: &TakesOver) -> bool {
        takes.fits(&self.answer.message())
    }

    /// Did nothing of it reach `.out`?
    fn is_silent(&self) -> bool {
        self.answer.is_silent()
    }

    /// What ends it where no agent takes over: records for `.out`, and the transcript with what was
    /// shown. `text`: what went wrong; `floor`: up to where `.in` is settled.
    fn close(
        mut self,
        text: Option<&str>,
        is_whole: bool,
        floor: Option<u64>,
        now: u64,
    ) -> (Vec<NewRecord>, Op) {
        let records = match (text, is_whole) {
            (Some(error_text), _) => self.answer.close(Close::Interrupted { error_text }),
            (None, true) => self.answer.close(Close::Finished),
            (None, false) => self.answer.close(Close::Stopped),
        };
        let message = self.answer.into_message();
        let message = if is_whole { Some(message) } else { clean_partial(message) };
        let shown = message.filter(|one| one["parts"].as_array().is_some_and(|p| !p.is_empty()));
        if let Some(message) = shown {
            let id = message["id"].as_str().unwrap_or_default().to_owned();
            self.transcript.entries.push(Entry { id, is_final: is_whole, message });
        }
        // A later run would take the message, which is in here, for one that nobody answered.
        self.transcript.last_in_event_id = floor.map(|seq| seq.to_string());
        (records, put(&self.transcript, now))
    }
}

/// The operation that saves a transcript.
pub(in crate::runs) fn put(transcript: &Blob, now: u64) -> Op {
    let blob = Blob { saved_at: now, ..transcript.clone() };
    Op::PutBlob { name: SAVED_BLOB.to_owned(), bytes: render(&blob).into() }
}

impl Machine {
    /// The input whose first step may be made while the agent boots: a message of the user that
    /// nobody has tried to answer. `Some(None)`: that of the base payload.
    pub(super) fn head_start_input(&self) -> Option<Option<u64>> {
        let untried = self.book.fruitless == 0 && self.book.head_start.is_none();
        if !untried || self.book.left || self.early_stop {
            return None;
        }
        if self.book.initial {
            return Some(None);
        }
        let (seq, first) = self.owed.iter().find(|(_, owed)| owed.is_answer())?;
        matches!(first, Owed::Answer { by_user: true, .. }).then_some(Some(*seq))
    }

    /// Is there a head start for the agent, and does it take one over?
    pub fn offer_head_start(&mut self, offered: bool) {
        self.has_head_start = offered;
    }

    /// A message came before the run that was to wait for it is warm: one that takes over from a
    /// head start is booted in its place (R-HDS-11).
    pub(super) fn overtake_preload(&mut self) {
        let first = self.owed.values().find(|owed| owed.is_answer());
        let by_user = matches!(first, Some(Owed::Answer { by_user: true, .. }));
        if !self.has_head_start || !by_user {
            return;
        }
        let Some(run) = &self.book.current else {
            match self.phase {
                Phase::Waiting(_) if self.book.fruitless == 0 => self.phase = Phase::Idle,
                // Nobody has room for the preload yet: its run will take over.
                Phase::Placing => {
                    // The run would take what comes before the message for its own.
                    self.settle_leading();
                    let input = self.head_start_input();
                    self.effects.extend(input.map(Effect::BeginStep));
                }
                _ => {}
            }
            return;
        };
        let young = run.began_at + PRELOAD_BOOT_MS > self.now;
        let working = matches!(self.phase, Phase::Booting(_) | Phase::Live);
        // It reads `.in` itself, and may have begun to answer.
        let silent = self.out.tail <= self.out_at_boot;
        if run.preloaded && young && working && silent && self.parked.is_none() {
            self.book.fruitless = 0;
            self.over(Cause::Evicted, RunStatus::Completed, None, Some(Cause::Evicted));
        }
    }

    /// Must [`Machine::note_out`] be called before a message is handed in?
    pub fn may_overtake(&self) -> bool {
        self.has_head_start && self.book.current.as_ref().is_some_and(|run| run.preloaded)
    }

    /// The warm backend is being asked.
    pub fn handle_first_step(&mut self, open: HeadStart, step: FirstStep, now: u64) {
        self.now = now;
        self.book.head_start = Some(open);
        let mut ops = vec![self.book.put(), put(&step.transcript, now)];
        if self.book.number > 0 {
            // A run of before may not know that it is over, and would answer beside the step.
            ops.push(append(vec![control::keep_alive()], true));
        }
        self.commit(ops);
        self.first_step = Some(step);
        (self.heard_at, self.kept_alive_at) = (now, now);
    }

    /// The step as `.out` has it, after a crash.
    pub fn restore_first_step(&mut self, step: FirstStep) {
        self.first_step = Some(step);
    }

    /// A step that was cut by a crash.
    pub(super) fn settle_restored_step(&mut self) {
        if !self.awaits_own_step() {
            return self.replace_restored_taker();
        }
        match &self.first_step {
            Some(step) if !step.is_silent() => {
                self.give_head_start_up(Some(INTERRUPTED.to_owned()));
            }
            _ => {
                // It booted while the gateway was away. Published agents that can't load their
                // history then go on without it, and store that.
                if self.book.current.is_some() {
                    self.replace_restored_run(Vec::new());
                }
                self.skip_first_step();
            }
        }
    }

    /// A run that was handed the whole answer, and has not stored it, may have booted while the
    /// gateway was away, too. It has run no tool: another one can take over in its place.
    fn replace_restored_taker(&mut self) {
        let open = self.book.head_start.as_ref().filter(|open| open.by_gateway.is_some());
        let is_whole = open.and_then(|open| open.handed).is_some_and(|handed| handed.is_final);
        let is_orphan = matches!(self.phase, Phase::Orphaned(_));
        if is_whole && is_orphan && !self.is_taken() {
            // It may write until the fence is raised.
            self.own_record();
            let fence = append(vec![control::keep_alive()], true);
            self.replace_restored_run(vec![fence]);
        }
    }

    fn replace_restored_run(&mut self, ops: Vec<Op>) {
        let text = "the gateway was restarted".to_owned();
        self.clear_run(Cause::GatewayRestarted, RunStatus::Crashed, Some(text));
        self.effects.push_back(Effect::End(Some(Cause::GatewayRestarted)));
        // As long as the book has it, it may read.
        let put = self.book.put();
        let row = self.row.as_ref().map(RunRow::put);
        self.commit(ops.into_iter().chain([put]).chain(row).collect());
    }

    /// Does the gateway itself make the first step of the running turn?
    pub(super) fn awaits_own_step(&self) -> bool {
        let open = self.book.head_start.as_ref();
        open.is_some_and(|open| open.by_gateway.is_some() && open.handed.is_none())
    }

    /// Chunks to show. Answers whether they end the step, since they are no UI message stream.
    pub fn handle_step_chunks(&mut self, chunks: Vec<Chunk>, now: u64) -> bool {
        self.now = now;
        let Some(step) = &mut self.first_step else { return true };
        let (records, outcome) = step.answer.admit(chunks);
        (self.heard_at, self.kept_alive_at) = (now, now);
        if !records.is_empty() {
            self.commit(vec![append(records, false)]);
        }
        let Err(error) = outcome else { return false };
        self.effects.push_back(Effect::CancelStep);
        self.fail_first_step(error.message);
        true
    }

    /// The step is over.
    pub fn handle_step_end(&mut self, outcome: Outcome, now: u64) {
        self.now = now;
        let Some(step) = &self.first_step else { return };
        let message = step.answer.message();
        match outcome {
            Outcome::Final => self.hand_over(&Handover::of(&message, true)),
            Outcome::Calls | Outcome::Text => self.hand_over(&Handover::of(&message, false)),
            Outcome::Failed(error) => self.fail_first_step(error.message),
        }
    }

    fn fail_first_step(&mut self, text: String) {
        if self.first_step.as_ref().is_some_and(FirstStep::is_silent) {
            self.skip_first_step();
            self.advance();
        } else {
            self.give_head_start_up(Some(text));
        }
    }

    /// Nothing was shown: the agent makes the step itself. A run that waits for the hand-over is
    /// handed an empty one.
    fn skip_first_step(&mut self) {
        let Some(open) = &self.book.head_start else { return };
        let message_id = open.by_gateway.as_ref().map(|by| by.answer_id.clone());
        if self.book.current.is_some() {
            return self.hand_over(&Handover { partial: Vec::new(), message_id, is_final: false });
        }
        self.first_step = None;
        self.book.head_start = None;
        let put = self.book.put();
        self.commit(vec![put]);
    }

    fn hand_over(&mut self, hand_over: &Handover) {
        let seen = self.seen.map_or(0, |seq| seq + 1);
        let mut record = NewRecord::text(&hand_over.render(), &format!("handover-{seen}"));
        record.headers.push((control::CREDENTIAL.to_owned(), BY_GATEWAY.to_owned()));
        if record.metered_len() > RECORD_MAX_BYTES {
            return self.give_head_start_up(Some(TOO_LARGE.to_owned()));
        }
        let append = Op::Append(Append {
            channel: Channel::IN,
            writer: Writer::Gateway { bump: false },
            frame_key: None,
            records: vec![record],
            owed: true,
        });
        let renamed = self.name_answer(hand_over.message_id.as_deref());
        self.commit(renamed.into_iter().chain([append]).collect());
    }

    /// By its id the hand-over is known when it is read; a backend may have chosen another one.
    fn name_answer(&mut self, id: Option<&str>) -> Option<Op> {
        let by = self.book.head_start.as_mut()?.by_gateway.as_mut()?;
        let id = id.filter(|id| *id != by.answer_id)?;
        id.clone_into(&mut by.answer_id);
        Some(self.book.put())
    }

    /// Did the gateway's step show nothing, so that the agent was handed nothing?
    pub(super) fn is_skip(&self) -> bool {
        self.first_step.as_ref().is_some_and(FirstStep::is_silent)
    }

    /// Is the running turn one that a stop ends here, since no run works on it yet?
    pub(super) fn stops_here(&self) -> bool {
        let own = self.book.head_start.as_ref().is_some_and(|open| open.by_gateway.is_some());
        self.awaits_hand_over() || (own && !self.is_taken())
    }

    /// What the gateway writes to end the turn whose first step it made.
    pub(super) fn close_first_step(
        &mut self,
        text: Option<&str>,
        floor: Option<u64>,
    ) -> Option<(Vec<NewRecord>, Op)> {
        let step = self.first_step.take()?;
        self.effects.push_back(Effect::CancelStep);
        if self.is_taken() {
            return None;
        }
        let handed = self.book.head_start.as_ref().and_then(|open| open.handed);
        let is_whole = text.is_none() && handed.is_some_and(|handed| handed.is_final);
        Some(step.close(text, is_whole, floor, self.now))
    }
}

/// The messages of a transcript, oldest first.
pub(in crate::runs) fn messages(transcript: &Blob) -> Vec<Value> {
    transcript.entries.iter().map(|entry| entry.message.clone()).collect()
}
