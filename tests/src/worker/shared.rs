//! What the connection and the runs of a worker share.

use std::collections::{BTreeMap, VecDeque};

use serde_json::value::RawValue;
use tidegate_protocol::link::{AgentSpec, GatewayFrame, Hello, Mode, Out, Welcome, WorkerFrame};
use tokio::sync::{Mutex, Notify};

use super::held::{Held, Next};

/// See the module.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Wakes the sender.
    wake: Notify,
}

#[derive(Debug)]
struct State {
    worker: String,
    epoch: u64,
    spec: AgentSpec,
    capacity: usize,
    up: bool,
    held: BTreeMap<String, Held>,
    control: VecDeque<String>,
}

/// Type of the chunk that is said for work that the gateway gave to somebody else: it must be
/// refused.
pub const ZOMBIE: &str = "zombie";

impl Shared {
    pub(super) fn new(agent: &str, version: &str, tag: &str, capacity: usize) -> Self {
        let spec = AgentSpec { version: version.to_owned(), ..AgentSpec::new(agent, Mode::Runs) };
        let (epoch, up, held, control) = Default::default();
        let worker = format!("w_{tag}");
        let state = State { worker, epoch, spec, capacity, up, held, control };
        Self { state: Mutex::new(state), wake: Notify::new() }
    }

    /// A connection stands: the first frame.
    pub(super) async fn hello(&self) -> String {
        let mut state = self.state.lock().await;
        state.epoch += 1;
        state.up = false;
        state.control.clear();
        let hello = Hello {
            worker: state.worker.clone(),
            epoch: state.epoch,
            capacity: state.capacity,
            agents: vec![state.spec.clone()],
            work: state.held.iter().map(|(id, held)| held.shown(id)).collect(),
        };
        WorkerFrame::Hello(hello).to_json()
    }

    pub(super) async fn welcome(&self, welcome: &Welcome) {
        let mut state = self.state.lock().await;
        for work in &welcome.work {
            if work.held {
                let held = state.held.get_mut(&work.id).expect("it is what hello listed");
                held.acknowledge(work.acked);
                held.send_again(&work.id);
            } else {
                // Worse than a good worker: it goes on as if the work were still its.
                let data = format!(r#"{{"data":{{"type":"{ZOMBIE}"}}}}"#);
                let records = vec![RawValue::from_string(data).expect("JSON")];
                let (id, seq) = (work.id.clone(), u64::MAX);
                let out = Out { id, seq, chunks: Vec::new(), records };
                state.control.push_back(WorkerFrame::Out(out).to_json());
                state.held.remove(&work.id);
            }
        }
        state.up = true;
        self.wake.notify_one();
    }

    pub(super) async fn beat(&self) {
        self.state.lock().await.control.push_back(WorkerFrame::Ping.to_json());
        self.wake.notify_one();
    }

    /// Takes a run in; `false` if it is held already.
    pub(super) async fn begin(&self, id: &str, held: Held) -> bool {
        let mut state = self.state.lock().await;
        if state.held.contains_key(id) {
            return false;
        }
        state.held.insert(id.to_owned(), held);
        self.wake.notify_one();
        true
    }

    pub(super) async fn handle(&self, frame: GatewayFrame) {
        let mut state = self.state.lock().await;
        match frame {
            GatewayFrame::In(inputs) => {
                if let Some(held) = state.held.get_mut(&inputs.id) {
                    held.handle_inputs(inputs.records);
                }
            }
            GatewayFrame::Ack(ack) => {
                if let Some(held) = state.held.get_mut(&ack.id) {
                    held.acknowledge(ack.seq);
                }
            }
            GatewayFrame::Evict(evict) => {
                if let Some(held) = state.held.get_mut(&evict.id) {
                    held.handle_evict();
                }
            }
            GatewayFrame::Cancel(cancel) => drop(state.held.remove(&cancel.id)),
            _ => {}
        }
    }

    /// The next message to send.
    pub(super) async fn next_message(&self) -> String {
        loop {
            {
                let mut state = self.state.lock().await;
                if let Some(text) = state.control.pop_front() {
                    return text;
                }
                if state.up
                    && let Some(text) = state.held.values_mut().find_map(Held::next_message)
                {
                    return text;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Says something for the run `id`; `false` if it is not the worker's any more.
    pub(super) async fn say(&self, id: &str, frame: impl FnOnce(u64) -> WorkerFrame) -> bool {
        let mut state = self.state.lock().await;
        let Some(held) = state.held.get_mut(id) else { return false };
        held.push(frame);
        self.wake.notify_one();
        true
    }

    /// What the run does next; `None` if it is not the worker's any more.
    pub(super) async fn next(&self, id: &str) -> Option<Next> {
        loop {
            let wake = {
                let mut state = self.state.lock().await;
                let held = state.held.get_mut(id)?;
                let next = held.next(id);
                self.wake.notify_one();
                if !matches!(next, Next::Nothing) {
                    return Some(next);
                }
                held.wake()
            };
            wake.notified().await;
        }
    }

    /// Waits until everything that was said is committed; then the run is over.
    pub(super) async fn end(&self, id: &str) {
        loop {
            let wake = {
                let mut state = self.state.lock().await;
                let Some(held) = state.held.get(id) else { return };
                if held.is_acknowledged() {
                    state.held.remove(id);
                    return;
                }
                held.wake()
            };
            wake.notified().await;
        }
    }
}
