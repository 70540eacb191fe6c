//! Drives first steps that the gateway makes: what the step is made from, and its events.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tidegate_protocol::ids::{Channel, base36};
use tidegate_protocol::input::{Input, Payload, Trigger};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::transcript::{Blob, Entry, parse};
use tidegate_protocol::{Record, control};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::drive::{Driver, PAGE};
use super::perform::want;
use crate::head_start::{StepEvent, WarmStep};
use crate::runs::machine::Machine;
use crate::runs::machine::first_step::{FirstStep, messages, put};
use crate::runs::opened::{ByGateway, HeadStart};
use crate::seams::backend::TurnRequest;
use crate::seams::store::{CommitError, StoreError};
use crate::streams::transcript::SAVED_BLOB;
use crate::turns::answer::Answer;
use crate::workers::Slot;

/// A first step that is being made.
pub(super) struct Stepping {
    pub(super) warm: WarmStep,
    /// A drain waits for it.
    _awaited: TaskTrackerToken,
}

impl Driver {
    /// Is there a head start for the agent, and would its next run take one over?
    pub(super) fn has_head_start(&self) -> bool {
        self.shared.agents.head_start(&self.row.agent).is_some()
            && self.shared.workers.takes_over(&want(&self.row, None)).is_some()
    }

    /// Holds the first step to what the run takes over for which there is room. Answers whether
    /// that begins.
    pub(super) fn fit_step(&mut self, machine: &mut Machine, slot: &Slot) -> bool {
        let warm = self.shared.agents.head_start(&self.row.agent);
        let takes = slot.takes_over().map(|takes| match &warm {
            Some(warm) => warm.held_to(takes),
            None => takes,
        });
        if let (Some(step), Some(takes)) = (&mut self.step, &takes) {
            step.get_mut().warm.narrow(takes);
        }
        machine.handle_takes(takes.as_ref(), self.now())
    }

    /// A message is likely soon (R-HDS-20).
    pub(super) fn warm_up(&self) {
        if let Some(warm) = self.shared.agents.head_start(&self.row.agent) {
            warm.warm_up();
        }
    }

    /// Has the first step of the answer to `input` made, where that can be handed over.
    pub(super) async fn begin_step(
        &mut self,
        machine: &mut Machine,
        input: Option<u64>,
    ) -> Result<(), CommitError> {
        if self.shared.steps.is_closed() {
            return Ok(());
        }
        let awaited = self.shared.steps.token();
        let Some(warm) = self.shared.agents.head_start(&self.row.agent) else { return Ok(()) };
        self.look_at_row().await?;
        let takes = self.shared.workers.takes_over(&want(&self.row, None));
        let Some(takes) = takes else { return Ok(()) };
        let Some(payload) = self.payload_of(input).await? else { return Ok(()) };
        let Some(message) = payload.message.clone() else { return Ok(()) };
        let Some(id) = message["id"].as_str().map(str::to_owned) else { return Ok(()) };
        let Some(mut transcript) = self.whole_transcript(machine).await? else { return Ok(()) };
        let first = machine.book().turn == 0 && transcript.entries.is_empty();
        // A message that is there already is edited, or answered again: the agent's to decide.
        if transcript.entries.iter().any(|entry| entry.id == id) {
            return Ok(());
        }
        transcript.entries.push(Entry { id: id.clone(), is_final: true, message });
        let answer_id = format!("msg_{}", base36(self.shared.common.entropy.next_u128(), 20));
        let out_start = self.shared.common.store.state(&self.stream(Channel::OUT)).await?.tail;
        let mut request = self.request(machine, payload, &answer_id, messages(&transcript));
        let answer = Answer::new(request.clone(), None);
        request.tools = takes.tools;
        let turn = self.trace.begin(request.turn, true);
        let warm_step = turn.in_scope(|| warm.begin(request, takes.calls));
        self.step = Some(Mutex::new(Stepping { warm: warm_step, _awaited: awaited }));
        let open = HeadStart {
            message: id,
            first,
            at: self.now(),
            wait_ms: warm.wait_ms,
            by_gateway: Some(ByGateway { input, answer_id, out_start }),
            handed: None,
        };
        machine.handle_first_step(open, FirstStep::new(answer, transcript), self.now());
        Ok(())
    }

    /// Something of the warm backend.
    pub(super) async fn stepped(
        &mut self,
        machine: &mut Machine,
        event: StepEvent,
    ) -> Result<(), CommitError> {
        match event {
            StepEvent::Chunks(chunks) => {
                if !machine.handle_step_chunks(chunks, self.now()) {
                    return Ok(());
                }
            }
            StepEvent::Ended(outcome) => {
                self.step = None;
                machine.handle_step_end(outcome, self.now());
            }
        }
        self.perform(machine).await?;
        // The hand-over, for one.
        self.read_inputs(machine).await
    }

    /// The step that ran before a crash, as far as it is on `.out`.
    pub(super) async fn restore_step(&self, machine: &mut Machine) -> Result<(), StoreError> {
        let open = machine.book().head_start.as_ref();
        let Some(by) = open.and_then(|open| open.by_gateway.clone()) else { return Ok(()) };
        let transcript = self.saved().await?.unwrap_or_default();
        let visible: Vec<Value> = self.tail(by.out_start).await?.iter().filter_map(chunk).collect();
        let payload = Payload::parse(serde_json::Map::new()).expect("an empty payload is valid");
        let request = self.request(machine, payload, &by.answer_id, Vec::new());
        let answer = Answer::restore(request, None, &visible);
        machine.restore_first_step(FirstStep::new(answer, transcript));
        Ok(())
    }

    /// A run was lost that had taken over, and its turn ends: without the cursor of `.in` in what
    /// it saved, the next one would find the message there, and run its tools again (R-HDS-7).
    pub(super) async fn keep_floor(&self, machine: &Machine) -> Result<(), CommitError> {
        let Some(mut blob) = self.saved().await? else { return Ok(()) };
        let known = blob.last_in_event_id.as_deref().and_then(|text| text.parse().ok());
        blob.last_in_event_id = known.max(machine.book().floor).map(|seq: u64| seq.to_string());
        self.commit(vec![put(&blob, self.now())]).await.map(drop)
    }

    /// A first step ended its turn without the agent. What is saved has all of it: without the
    /// cursor of `.out` the next message would get no head start (R-HDS-17). Where the boundary
    /// stands is known only once it is there.
    pub(super) async fn keep_end(&self) -> Result<(), CommitError> {
        let tail = self.shared.common.store.state(&self.stream(Channel::OUT)).await?.tail;
        let Some(end) = tail.checked_sub(1) else { return Ok(()) };
        let Some(mut blob) = self.saved().await? else { return Ok(()) };
        blob.last_out_event_id = Some(end.to_string());
        self.commit(vec![put(&blob, self.now())]).await.map(drop)
    }

    /// The messages of what is saved.
    pub(super) async fn saved_messages(&self) -> Result<Vec<Value>, StoreError> {
        Ok(messages(&self.saved().await?.unwrap_or_default()))
    }

    /// What is saved, if it can be read.
    async fn saved(&self) -> Result<Option<Blob>, StoreError> {
        let saved = self.shared.common.store.blob(&self.session, SAVED_BLOB).await?;
        Ok(saved.and_then(|bytes| parse(&bytes).ok()))
    }

    fn request(
        &self,
        machine: &Machine,
        payload: Payload,
        answer_id: &str,
        messages: Vec<Value>,
    ) -> TurnRequest {
        TurnRequest {
            agent: self.row.agent.as_str().into(),
            chat_id: self.row.name().into(),
            turn: machine.book().turn + 1,
            attempt: 1,
            trigger: Trigger::Submit,
            messages: Arc::new(messages),
            answer_id: answer_id.into(),
            continues: false,
            message_id: payload.message_id,
            metadata: payload.metadata,
            action: None,
            rest: payload.rest,
            tools: Arc::default(),
            origin: Arc::new(self.row.origin()),
            steering: None,
        }
    }

    /// What is asked for at `input`, or in the base payload.
    async fn payload_of(&self, input: Option<u64>) -> Result<Option<Payload>, StoreError> {
        let Some(seq) = input else {
            let base = self.row.trigger_config.get("basePayload").and_then(Value::as_object);
            let payload = base.cloned().and_then(Payload::parse);
            return Ok(payload.filter(|payload| payload.trigger == Trigger::Submit));
        };
        let page = self.read(Channel::IN, seq, PAGE).await?;
        Ok(page.iter().find(|record| record.seq_num == seq).and_then(|record| {
            match Input::of(record) {
                Input::Message(payload) => Some(*payload),
                _ => None,
            }
        }))
    }

    /// What is saved of the session, if that is its whole history (R-HDS-17).
    async fn whole_transcript(&self, machine: &Machine) -> Result<Option<Blob>, StoreError> {
        let saved = self.shared.common.store.blob(&self.session, SAVED_BLOB).await?;
        let blob = match saved {
            Some(saved) => parse(&saved).ok(),
            None => (machine.book().turn == 0).then(Blob::default),
        };
        let Some(blob) = blob else { return Ok(None) };
        let cursor = blob.last_out_event_id.as_deref().and_then(|text| text.parse().ok());
        let newer = self.tail(cursor.map_or(0, |seq: u64| seq + 1)).await?;
        Ok((!newer.iter().any(|record| chunk(record).is_some())).then_some(blob))
    }
}

fn chunk(record: &Record) -> Option<Value> {
    if control::kind(record).is_some() {
        return None;
    }
    serde_json::from_str(Envelope::of(record)?.data.0.get()).ok()
}
