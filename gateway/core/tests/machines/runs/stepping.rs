//! What `runs/driver/stepping.rs` does for the gateway's own first steps, without tasks and
//! sockets; and agents that save their transcript, without which there is no second head start.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tidegate_core::head_start::StepEvent;
use tidegate_core::runs::machine::first_step::FirstStep;
use tidegate_core::runs::opened::{ByGateway, HeadStart};
use tidegate_core::seams::backend::{Origin, TurnRequest};
use tidegate_core::seams::store::Op;
use tidegate_core::streams::transcript::SAVED_BLOB;
use tidegate_core::turns::answer::Answer;
use tidegate_protocol::input::{Input, Trigger};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::transcript::{Blob, Entry, parse, render};
use tidegate_protocol::{Record, control};

use super::guests::WAITS_MS;
use super::stepped::Begun;
use super::warm::Warm;
use super::world::World;

/// Id of the base payload's message.
pub(crate) const BASE: &str = "base";

/// The gateway's own first steps.
#[derive(Default)]
pub(crate) struct Steps {
    /// The agent has a head start.
    pub(crate) offered: bool,
    /// It takes calls over, not only text.
    pub(crate) takes_calls: bool,
    /// Workers seldom have room.
    pub(crate) crowded: bool,
    /// The gateway goes away soon, and begins no step.
    pub(crate) drains: bool,
    /// The step that is being made.
    pub(crate) warm: Option<Warm>,
    /// Every step that ever began, by number.
    pub(crate) begun: Vec<Begun>,
    pub(crate) cancelled: u64,
}

impl World {
    /// The agent has a head start from now on.
    pub(crate) fn offer_steps(&mut self, takes_calls: bool, crowded: bool) {
        (self.steps.offered, self.steps.takes_calls) = (true, takes_calls);
        self.steps.crowded = crowded;
        self.restart();
    }

    /// Has the first step of the answer to `input` made, where that can be handed over.
    pub(crate) fn begin_step(&mut self, input: Option<u64>) {
        if !self.steps.offered || self.steps.drains {
            return;
        }
        let Some(message) = self.message_at(input) else { return };
        let Some(mut transcript) = self.whole_transcript() else { return };
        let id = message["id"].as_str().expect("each message has one").to_owned();
        let first = self.machine.book().turn == 0 && transcript.entries.is_empty();
        if transcript.entries.iter().any(|entry| entry.id == id) {
            return;
        }
        transcript.entries.push(Entry { id: id.clone(), is_final: true, message });
        assert!(self.steps.warm.is_none(), "a first step is dropped for another");
        let number = self.steps.begun.len();
        let (answer_id, turn) = (format!("answer-{number}"), self.machine.book().turn + 1);
        let answer = Answer::new(request(turn, &answer_id), None);
        let takes_calls = self.steps.takes_calls;
        self.steps.warm = Some(Warm::begin(&mut self.rng, number, self.now, takes_calls));
        self.steps.begun.push(Begun::new(turn, input, &id));
        let out_start = self.disk.out.len() as u64;
        let open = HeadStart {
            message: id,
            first,
            at: self.now,
            wait_ms: WAITS_MS[self.rng.below(2) as usize],
            by_gateway: Some(ByGateway { input, answer_id, out_start }),
            handed: None,
        };
        self.machine.handle_first_step(open, FirstStep::new(answer, transcript), self.now);
    }

    /// Something of the warm backend.
    pub(crate) fn hear_warm(&mut self) {
        let Some(event) = self.steps.warm.as_mut().and_then(|warm| warm.next(self.now)) else {
            return;
        };
        let ended = match event {
            StepEvent::Chunks(chunks) => self.machine.handle_step_chunks(chunks, self.now),
            StepEvent::Ended(outcome) => {
                self.steps.warm = None;
                self.machine.handle_step_end(outcome, self.now);
                true
            }
        };
        if self.perform() && ended {
            self.read_inputs();
        }
    }

    /// The stream of the warm backend is dropped.
    pub(crate) fn cancel_step(&mut self) {
        self.steps.cancelled += u64::from(self.steps.warm.take().is_some());
    }

    /// The step that ran before a crash, as far as it is on `.out`.
    pub(crate) fn restore_step(&mut self) {
        (self.steps.warm, self.steps.drains) = (None, false);
        self.machine.offer_head_start(self.steps.offered);
        let open = self.machine.book().head_start.as_ref();
        let Some(by) = open.and_then(|open| open.by_gateway.clone()) else { return };
        let visible = self.disk.out.iter().skip(by.out_start as usize);
        let visible: Vec<Value> = visible.filter_map(chunk).collect();
        let turn = self.machine.book().turn + 1;
        let answer = Answer::restore(request(turn, &by.answer_id), None, &visible);
        let transcript = self.saved().unwrap_or_default();
        self.machine.restore_first_step(FirstStep::new(answer, transcript));
    }

    pub(crate) fn keep_floor(&mut self) {
        let Some(mut blob) = self.saved() else { return };
        let known = blob.last_in_event_id.as_deref().and_then(|text| text.parse().ok());
        let floor = known.max(self.machine.book().floor);
        blob.last_in_event_id = floor.map(|seq: u64| seq.to_string());
        self.save(&blob);
    }

    pub(crate) fn keep_end(&mut self) {
        let Some(end) = self.disk.out.last() else { return };
        assert!(control::is_boundary(end), "what is saved ends with the turn's boundary");
        let end = end.seq_num.to_string();
        let Some(mut blob) = self.saved() else { return };
        blob.last_out_event_id = Some(end);
        self.save(&blob);
    }

    /// The agent saves what it knows behind its boundary at `boundary`. `answered`: `.in` seqs.
    pub(crate) fn agent_saves(&mut self, boundary: u64, floor: Option<u64>, answered: &[u64]) {
        if !self.steps.offered || (!self.calm && self.rng.one_in(5)) {
            return;
        }
        let mut blob = self.saved().unwrap_or_default();
        let known: BTreeSet<_> = blob.entries.iter().map(|entry| entry.id.clone()).collect();
        let base = self.machine.book().initial.then_some(None);
        let inputs = base.into_iter().chain(answered.iter().copied().map(Some));
        let messages = inputs
            .filter_map(|input| self.message_at(input))
            .chain([json!({"id": format!("agent-{boundary}"), "role": "assistant", "parts": []})]);
        for message in messages {
            let id = message["id"].as_str().unwrap_or_default().to_owned();
            if !known.contains(&id) {
                blob.entries.push(Entry { id, is_final: true, message });
            }
        }
        blob.last_out_event_id = Some(boundary.to_string());
        blob.last_in_event_id = floor.map(|seq| seq.to_string());
        self.save(&blob);
    }

    /// What is saved of the session.
    pub(crate) fn saved(&self) -> Option<Blob> {
        let bytes = self.disk.blobs.get(SAVED_BLOB)?;
        Some(parse(bytes).expect("ours"))
    }

    fn save(&mut self, blob: &Blob) {
        let (name, bytes) = (SAVED_BLOB.to_owned(), render(blob).into());
        self.disk.commit(vec![Op::PutBlob { name, bytes }]).expect("not fenced");
    }

    /// What is saved, if that is the whole history (R-HDS-17).
    fn whole_transcript(&self) -> Option<Blob> {
        let is_first = self.machine.book().turn == 0;
        let blob = self.saved().or_else(|| is_first.then(Blob::default))?;
        let end = blob.last_out_event_id.as_deref().and_then(|text| text.parse().ok());
        let from = end.map_or(0, |seq: usize| seq + 1);
        let is_newer = self.disk.out.iter().skip(from).any(|record| chunk(record).is_some());
        (!is_newer).then_some(blob)
    }

    fn message_at(&self, input: Option<u64>) -> Option<Value> {
        let Some(seq) = input else {
            return Some(json!({"id": BASE, "role": "user", "parts": []}));
        };
        match Input::of(&self.disk.input[seq as usize]) {
            Input::Message(payload) => payload.message,
            _ => None,
        }
    }
}

/// A chunk on `.out`.
pub(crate) fn chunk(record: &Record) -> Option<Value> {
    if control::kind(record).is_some() {
        return None;
    }
    serde_json::from_str(Envelope::of(record)?.data.0.get()).ok()
}

fn request(turn: u64, answer_id: &str) -> TurnRequest {
    TurnRequest {
        agent: "agent".into(),
        chat_id: "chat".into(),
        turn,
        attempt: 1,
        trigger: Trigger::Submit,
        messages: Arc::default(),
        answer_id: answer_id.into(),
        continues: false,
        message_id: None,
        metadata: None,
        action: None,
        rest: Map::new(),
        tools: Arc::default(),
        origin: Arc::new(Origin::default()),
        steering: None,
    }
}
