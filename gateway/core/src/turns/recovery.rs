//! After a crash of the gateway: what becomes of a turn that ran (design §5.1, I7).
//!
//! The driver restores the machine, hands in what is still owed and what came since, and then asks
//! for a verdict: a stop that was accepted before the crash counts, an answer of which nothing was
//! visible is asked for again, any other is closed with what it has.

use serde_json::Value;
use tidegate_protocol::input::{Input, Payload};
use tidegate_protocol::limits::TURN_ATTEMPTS_MAX;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};

use super::answer::Answer;
use super::ending::Ending;
use super::machine::{Effect, Machine, Phase};

impl Machine {
    /// The turn that ran: its input, and what of it is on `.out`.
    pub fn restore_active(&mut self, input: Option<&Record>, output: &[Record], now: u64) {
        self.set_now(now);
        let Some(active) = self.state.active.clone() else { return };
        let payload = match input.map(Input::of) {
            Some(Input::Message(payload)) => *payload,
            // An owed record is never dropped, so this is damage: close the turn with what it has.
            _ => lost_payload(),
        };
        let continued =
            active.continues.then(|| self.conversation.last_answer().cloned()).flatten();
        let request = self.request(payload, &active.answer_id, active.continues);
        let chunks = output.iter().filter(|record| control::kind(record).is_none());
        let visible: Vec<Value> = chunks.filter_map(chunk_of).collect();
        let answer = Answer::restore(request, continued, &visible);
        self.start_clock();
        self.phase = Phase::Restored(Box::new(answer));
    }

    /// An input that was looked at before the crash and still has no fate. A message waits again;
    /// anything else answers `false` and is handed in after every message waits.
    pub fn restore_owed(&mut self, record: &Record) -> bool {
        let is_message = matches!(Input::of(record), Input::Message(_));
        if is_message {
            self.wait(record);
        }
        is_message
    }

    /// What waited begins only after everything that was accepted before the crash was handed in:
    /// a stop among it was not meant for a turn that had not begun (I5).
    pub fn restore_queue(&mut self) {
        if matches!(self.phase, Phase::Idle) && !self.queue.is_empty() {
            self.phase = Phase::Between;
        }
    }

    /// Timestamp of the newest boundary.
    pub fn restore_end(&mut self, timestamp: u64) {
        self.ended_at = timestamp;
    }

    /// Another gateway is to ask the question that no worker has taken here: what nobody was asked
    /// is no attempt (I7).
    pub fn handle_moved(&mut self, now: u64) {
        self.set_now(now);
        let Some(active) = &mut self.state.active else { return };
        active.attempt = active.attempt.saturating_sub(1);
        self.effects.push_back(Effect::Commit(vec![self.state.put()]));
    }

    /// Everything that was accepted before the crash has been handed in: go on.
    pub fn handle_restored(&mut self, now: u64) {
        self.set_now(now);
        let again = match &self.phase {
            Phase::Restored(answer) => {
                !answer.has_content() && answer.request.attempt < TURN_ATTEMPTS_MAX
            }
            _ => return self.handle_caught_up(),
        };
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Restored(answer) if again => self.ask_again(answer),
            phase => {
                self.phase = phase;
                self.end(Ending::Interrupted);
            }
        }
        self.advance();
    }
}

fn chunk_of(record: &Record) -> Option<Value> {
    let envelope = Envelope::of(record)?;
    serde_json::from_str(envelope.data.0.get()).ok()
}

fn lost_payload() -> Payload {
    Payload::parse(serde_json::Map::new()).expect("an empty payload is a submit")
}
