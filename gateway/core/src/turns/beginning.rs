//! How turns begin: what an input does to the history, and whether anything is left to answer.

use std::sync::Arc;

use tidegate_protocol::ids::{Channel, base36};
use tidegate_protocol::input::{Payload, Trigger};
use tidegate_protocol::limits::{TRANSCRIPT_MAX_BYTES, TRANSCRIPT_MESSAGES_MAX};
use tidegate_protocol::ui::{Accumulator, Change};
use tidegate_protocol::{Record, control};

use super::answer::Answer;
use super::conversation::id_of;
use super::machine::{Effect, Machine, Phase};
use super::state::Active;
use crate::seams::backend::TurnRequest;
use crate::seams::store::{Fate, Floor, Op};

impl Machine {
    /// Acts on an input while nothing runs.
    pub(super) fn begin(&mut self, record: &Record, payload: Payload) {
        let seq = record.seq_num;
        match payload.trigger {
            Trigger::Preload => self.settle(seq, Fate::Applied { turn: None }),
            Trigger::Close => match record.header(control::CLOSE) {
                Some(reason) => self.announce_close(seq, reason),
                None => self.settle(seq, Fate::Applied { turn: None }),
            },
            Trigger::Action if !self.setting.abilities.actions => {
                self.bare_boundary(seq, Fate::Rejected { reason: "no actions here".into() }, None);
            }
            Trigger::Submit | Trigger::Regenerate | Trigger::Action => {
                match self.extend_history(&payload) {
                    Ok(true) => self.begin_turn(seq, payload),
                    Ok(false) => {
                        let turn = self.state.turn;
                        self.bare_boundary(seq, Fate::Answered { turn }, None);
                    }
                    Err(reason) => {
                        let error = Some(reason.clone());
                        self.bare_boundary(seq, Fate::Rejected { reason }, error);
                    }
                }
            }
        }
    }

    /// Applies the input to the history. `Ok(false)` if nothing is left to answer.
    fn extend_history(&mut self, payload: &Payload) -> Result<bool, String> {
        let edit = payload.history.as_ref();
        let length = edit.map_or(self.conversation.messages().len(), |edit| edit.ids.len());
        if length >= TRANSCRIPT_MESSAGES_MAX {
            return Err(format!("the chat has {TRANSCRIPT_MESSAGES_MAX} messages; start another"));
        }
        if self.conversation.bytes() >= TRANSCRIPT_MAX_BYTES {
            let mib = TRANSCRIPT_MAX_BYTES / (1024 * 1024);
            return Err(format!("the chat has {mib} MiB of messages; start another"));
        }
        let mut known = false;
        if let Some(edit) = edit {
            self.conversation.apply(edit);
            let id = payload.message.as_ref().and_then(id_of);
            known = id.is_some_and(|id| edit.ids.iter().any(|known| known == id));
        }
        let mut noop = false;
        match (payload.trigger, &payload.message) {
            (Trigger::Regenerate, _) => self
                .conversation
                .regenerate(payload.message_id.as_deref())
                .map_err(|error| error.to_string())?,
            (Trigger::Submit, Some(message)) if !known => {
                noop = self.conversation.submit(message.clone()).map_err(|e| e.to_string())?;
            }
            (Trigger::Submit, None) if payload.history.is_none() => {
                noop = self.conversation.is_noop(Change::Unchanged);
            }
            _ => {}
        }
        Ok(!noop)
    }

    fn begin_turn(&mut self, seq: u64, payload: Payload) {
        self.state.turn += 1;
        let continued = (payload.trigger == Trigger::Submit)
            .then(|| self.conversation.last_answer().cloned())
            .flatten()
            .filter(|answer| Accumulator::resume(answer.clone()).is_ok());
        let fresh = || format!("msg_{}", base36(self.setting.entropy.next_u128(), 20));
        let answer_id = continued.as_ref().and_then(id_of).map_or_else(fresh, str::to_owned);
        self.state.active = Some(Active {
            seq,
            attempt: 1,
            answer_id: answer_id.clone(),
            continues: continued.is_some(),
            out_start: self.next_out,
        });
        let request = self.request(payload, &answer_id, continued.is_some());
        // A cursor-less read starts at the latest turn (ADR 6).
        let before = self.next_out;
        let mut ops = vec![Op::Trim { channel: Channel::OUT, floor: Floor::Replay, before }];
        ops.extend(self.save());
        self.effects.push_back(Effect::CommitEarly(ops));
        self.start_clock();
        self.setting.metrics.turn_started();
        self.effects.push_back(Effect::Ask(Box::new(request.clone())));
        self.phase = Phase::Running(Box::new(Answer::new(request, continued)));
    }

    pub(super) fn request(
        &self,
        payload: Payload,
        answer_id: &str,
        continues: bool,
    ) -> TurnRequest {
        TurnRequest {
            agent: Arc::clone(&self.setting.agent),
            chat_id: Arc::clone(&self.setting.chat_id),
            turn: self.state.turn,
            attempt: self.state.active.as_ref().map_or(1, |active| active.attempt),
            trigger: payload.trigger,
            messages: Arc::clone(self.conversation.messages()),
            answer_id: answer_id.into(),
            continues,
            message_id: payload.message_id,
            metadata: payload.metadata,
            action: payload.action,
            rest: payload.rest,
            tools: Arc::default(),
            origin: Arc::clone(&self.setting.origin),
            steering: self.setting.abilities.steering.then(Arc::default),
        }
    }
}
