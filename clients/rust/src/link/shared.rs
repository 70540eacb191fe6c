//! What the connection and the agents that answer share.

use std::future::poll_fn;

use parking_lot::Mutex;

use tidegate_protocol::link::HandoverFrame;

use super::machine::Machine;

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) machine: Mutex<Machine>,
}

impl Shared {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine: Mutex::new(machine) }
    }

    /// Ends with what became of the step of the work `id` that was made elsewhere; `None` if the
    /// work is gone before.
    pub(crate) async fn handover(&self, id: &str) -> Option<Box<HandoverFrame>> {
        poll_fn(|cx| self.machine.lock().poll_handover(id, cx)).await
    }

    /// Ends when the work `id` is not held (any more): it was stopped, or is done.
    pub(crate) async fn gone(&self, id: &str) {
        poll_fn(|cx| self.machine.lock().poll_gone(id, cx)).await;
    }
}
