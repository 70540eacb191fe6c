//! Messages that come while an answer runs, offered to the backend that gives it.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tidegate_protocol::Record;
use tokio::sync::Notify;

/// Between the engine and one running answer. What is not taken waits for its own turn.
#[derive(Debug, Default)]
pub struct Steering {
    state: Mutex<State>,
    offered: Notify,
}

#[derive(Debug, Default)]
struct State {
    offered: VecDeque<Record>,
    /// Handed to the backend, which may or may not take them.
    handed_on: Vec<Record>,
    injected: Vec<Record>,
}

impl Steering {
    /// The engine has a message.
    pub fn offer(&self, record: Record) {
        self.state.lock().offered.push_back(record);
        self.offered.notify_one();
    }

    /// The next message for the backend. Cancel-safe.
    pub async fn offered(&self) -> Record {
        loop {
            if let Some(record) = self.hand_on() {
                return record;
            }
            self.offered.notified().await;
        }
    }

    fn hand_on(&self) -> Option<Record> {
        let mut state = self.state.lock();
        let record = state.offered.pop_front()?;
        state.handed_on.push(record.clone());
        Some(record)
    }

    /// The backend took the inputs at these `.in` seqs into its answer.
    pub fn inject(&self, inputs: &[u64]) {
        let mut state = self.state.lock();
        let State { handed_on, injected, .. } = &mut *state;
        injected.extend(handed_on.extract_if(.., |record| inputs.contains(&record.seq_num)));
    }

    /// What was taken since the last call.
    pub fn take_injected(&self) -> Vec<Record> {
        std::mem::take(&mut self.state.lock().injected)
    }
}
