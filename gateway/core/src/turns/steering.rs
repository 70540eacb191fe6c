//! Messages that the running answer takes in (steering): they share its boundary.

use tidegate_protocol::Record;
use tidegate_protocol::input::{Input, Payload, Trigger};

use super::machine::{Effect, Machine, Phase};
use crate::seams::store::Fate;

impl Machine {
    /// Offers a message that waits to the backend, if it takes any.
    pub(super) fn offer(&mut self, record: &Record, payload: &Payload) {
        let Phase::Running(answer) = &self.phase else { return };
        let is_message = payload.trigger == Trigger::Submit && payload.message.is_some();
        if is_message && answer.request.steering.is_some() {
            self.effects.push_back(Effect::Offer(Box::new(record.clone())));
        }
    }

    /// The backend took these messages into its answer: they wait no longer.
    pub fn handle_injected(&mut self, records: Vec<Record>, now: u64) {
        self.set_now(now);
        let Phase::Running(answer) = &mut self.phase else { return };
        for record in records {
            let Some(place) = self.queue.iter().position(|seq| *seq == record.seq_num) else {
                continue;
            };
            self.queue.remove(place);
            answer.injected.push(record);
        }
    }

    /// The attempt that took these failed, and the next one does not know them: they wait again.
    pub(super) fn put_back(&mut self, records: Vec<Record>) {
        self.queue.extend(records.iter().map(|record| record.seq_num));
        self.queue.make_contiguous().sort_unstable();
    }

    /// Puts what was injected into the history, before the answer that took it. Gives its fates.
    pub(super) fn keep_injected(&mut self, records: Vec<Record>) -> Vec<(u64, Fate)> {
        let turn = self.state.turn;
        let mut fates = Vec::with_capacity(records.len());
        for record in records {
            fates.push((record.seq_num, Fate::Injected { turn }));
            if let Input::Message(payload) = Input::of(&record)
                && let Some(message) = payload.message
            {
                // A message that can't be in the history was answered all the same.
                let _ = self.conversation.submit(message);
            }
        }
        fates
    }
}
