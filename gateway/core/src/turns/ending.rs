//! How turns end: every one in exactly one boundary, in the same commit as the fates of its inputs
//! and the transcript (I2, I3).

use serde_json::json;
use tidegate_protocol::input::is_from_secret_key;
use tidegate_protocol::ui::{Close, clean_partial};
use tidegate_protocol::{NewRecord, Record, control};

use super::machine::{Effect, Machine, Phase, append};
use crate::seams::store::{Fate, Op};

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    Finished,
    /// By a stop.
    Stopped,
    /// The backend failed; the text is shown.
    Failed(String),
    /// The gateway went away under it.
    Interrupted,
}

/// What is shown of an answer that was cut by the gateway's end.
pub(crate) const INTERRUPTED: &str =
    "The answer was interrupted. Regenerate it, or send the message again.";

impl Machine {
    /// Ends the running answer.
    pub(super) fn end(&mut self, ending: Ending) {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        let mut answer = match phase {
            Phase::Running(answer) | Phase::Waiting(answer, _) | Phase::Restored(answer) => answer,
            Phase::Idle | Phase::Between | Phase::Fetching(_) => return,
        };
        self.phase = Phase::Between;
        let mut records = match &ending {
            // A backend that said nothing (an action, say) leaves nothing to show.
            Ending::Finished if answer.is_silent() => Vec::new(),
            Ending::Finished => answer.close(Close::Finished),
            Ending::Stopped => answer.close(Close::Stopped),
            Ending::Failed(text) => answer.close(Close::Interrupted { error_text: text }),
            Ending::Interrupted => answer.close(Close::Interrupted { error_text: INTERRUPTED }),
        };
        self.count(&ending, answer.has_failed());
        let turn = self.state.turn;
        let mut fates = Vec::with_capacity(1 + answer.stops.len());
        if let Some(active) = self.state.active.take() {
            fates.push((active.seq, Fate::Answered { turn }));
        }
        fates.extend(answer.stops.iter().map(|seq| (*seq, Fate::Applied { turn: Some(turn) })));
        fates.extend(self.keep_injected(std::mem::take(&mut answer.injected)));
        self.keep(*answer, &ending);
        records.push(self.boundary());
        self.close_turn(records, fates);
        self.effects.push_back(Effect::CatchUp);
    }

    /// A stop: hits the turn that runs at its seq, and no other (I5).
    pub(super) fn stop(&mut self, record: &Record) {
        let (seq, secret) = (record.seq_num, is_from_secret_key(record));
        match &mut self.phase {
            Phase::Running(answer) | Phase::Waiting(answer, _) | Phase::Restored(answer)
                if record.timestamp >= self.ended_at =>
            {
                answer.stops.push(seq);
                self.effects.push_back(Effect::Cancel);
                self.end(Ending::Stopped);
            }
            // `AgentChat` waits for a boundary after every stop; a browser waits for none (I3).
            // It was meant for the turn before, whose boundary is there.
            Phase::Running(_) | Phase::Waiting(..) | Phase::Restored(_) => {
                self.settle(seq, Fate::Applied { turn: None });
            }
            _ if secret => self.bare_boundary(seq, Fate::Applied { turn: None }, None),
            _ => self.settle(seq, Fate::Applied { turn: None }),
        }
    }

    /// A boundary for an input that needs no answer, after an `error` chunk if there is `error`.
    pub(super) fn bare_boundary(&mut self, seq: u64, fate: Fate, error: Option<String>) {
        let chunk = error.map(|text| {
            let chunk = json!({"type": "error", "errorText": text}).to_string();
            NewRecord::data(chunk.as_bytes(), &format!("e{seq}"))
        });
        let records = chunk.into_iter().chain([self.boundary()]).collect();
        self.close_turn(records, vec![(seq, fate)]);
    }

    /// Records a fate that no reader needs to hear of.
    pub(super) fn settle(&mut self, seq: u64, fate: Fate) {
        let ops = vec![Op::Settle(vec![(seq, fate)]), self.state.put()];
        self.effects.push_back(Effect::Commit(ops));
    }

    /// Tells readers that the session takes no more input.
    pub(super) fn announce_close(&mut self, seq: u64, reason: &str) {
        let reason = (!reason.is_empty()).then_some(reason);
        let records = vec![control::session_closed(reason)];
        self.close_turn(records, vec![(seq, Fate::Applied { turn: None })]);
    }

    fn close_turn(&mut self, records: Vec<NewRecord>, fates: Vec<(u64, Fate)>) {
        self.next_out += records.len() as u64;
        self.state.last_out = Some(self.next_out - 1);
        let mut ops = vec![append(records), Op::Settle(fates)];
        ops.extend(self.save());
        self.effects.push_back(Effect::Commit(ops));
    }

    /// The boundary: the floor is held back behind what still waits.
    fn boundary(&mut self) -> NewRecord {
        let seen = self.state.seen;
        let fetching = match self.phase {
            Phase::Fetching(seq) => Some(seq),
            _ => None,
        };
        let waiting = self.queue.iter().copied().chain(fetching).min();
        self.state.floor = match waiting {
            Some(waiting) => waiting.checked_sub(1),
            None => seen,
        };
        // The last turn before a close says so: most readers leave at its boundary.
        let closing = self.closing.as_ref().filter(|(seq, _)| self.queue.front() == Some(seq));
        control::boundary(self.state.floor, seen, closing.map(|(_, reason)| reason.as_str()))
    }

    /// Puts what came of the answer into the history.
    fn keep(&mut self, answer: super::answer::Answer, ending: &Ending) {
        let whole = *ending == Ending::Finished && !answer.has_failed();
        let has_content = answer.has_content();
        if !has_content && !whole {
            return;
        }
        let message = answer.into_message();
        if message["parts"].as_array().is_none_or(Vec::is_empty) {
            return;
        }
        let message = if whole { Some(message) } else { clean_partial(message) };
        if let Some(message) = message {
            self.conversation.put_answer(message, whole);
        }
    }

    fn count(&self, ending: &Ending, failed: bool) {
        let metrics = &self.setting.metrics;
        metrics.turn_completed();
        match ending {
            Ending::Stopped => metrics.turn_stopped(),
            Ending::Interrupted => metrics.turn_interrupted(),
            Ending::Failed(_) => metrics.turn_failed(),
            Ending::Finished if failed => metrics.turn_failed(),
            Ending::Finished => {}
        }
    }
}
