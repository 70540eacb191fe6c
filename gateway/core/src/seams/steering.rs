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
    injected: Vec<u64>,
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
            if let Some(record) = self.state.lock().offered.pop_front() {
                return record;
            }
            self.offered.notified().await;
        }
    }

    /// The backend took the inputs at these `.in` seqs into its answer.
    pub fn inject(&self, inputs: &[u64]) {
        self.state.lock().injected.extend_from_slice(inputs);
    }

    /// What was taken since the last call.
    pub fn take_injected(&self) -> Vec<u64> {
        std::mem::take(&mut self.state.lock().injected)
    }
}
