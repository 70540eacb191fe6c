//! A piece of work, from the side of who ordered it.

use std::sync::Arc;

use tidegate_protocol::link::{AgentSpec, Cause, GatewayFrame, Refusal};

use super::piece::{Piece, WorkEvent};
use super::pool::WorkerKey;
use super::registry::Workers;
use crate::seams::backend::Origin;

/// Room for one piece of work at a worker; dropping it gives the room back.
#[derive(Debug)]
pub struct Slot {
    pub(super) workers: Arc<Workers>,
    pub(super) worker: WorkerKey,
    pub(super) version: Arc<str>,
    /// What the worker registered of the agent.
    pub(super) spec: Option<Arc<AgentSpec>>,
    pub(super) depth: usize,
    pub(super) generation: u64,
}

/// A piece of work. Dropping it ends it: the worker holds it no longer, and is told so.
#[derive(Debug)]
pub struct Work {
    pub(super) piece: Arc<Piece>,
    /// Set by an end that the worker knows of.
    pub(super) over: bool,
    /// What the worker is told when it is dropped.
    pub(super) if_dropped: Cause,
    /// Whose turn the worker answers.
    pub(super) answers: Option<Arc<Origin>>,
    // After the piece, so that the room is free only once the work is gone.
    pub(super) slot: Slot,
}

impl Slot {
    /// The worker's id.
    pub fn worker(&self) -> &Arc<str> {
        &self.worker.worker
    }

    /// The version that it runs.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// Hands the work to the worker.
    pub fn begin(self, id: &str, opening: GatewayFrame) -> Work {
        let workers = Arc::clone(&self.workers);
        workers.begin(self, id, opening)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.workers.give_back(self);
    }
}

impl Work {
    /// What it is called on the link.
    pub fn id(&self) -> &str {
        &self.piece.id
    }

    /// The worker's id.
    pub fn worker(&self) -> &Arc<str> {
        self.slot.worker()
    }

    /// What happened next; the frames of the worker in the order of their seqs, each once.
    /// Cancel-safe.
    pub async fn next(&self) -> WorkEvent {
        self.piece.next().await
    }

    /// Sends a frame.
    pub fn send(&self, frame: GatewayFrame) {
        self.piece.send(frame);
    }

    /// Everything of the worker's up to `seq` is committed (R-LNK-19).
    pub fn acknowledge(&self, seq: u64) {
        self.piece.acknowledge(seq);
    }

    /// A frame that can't be applied; counts as acknowledged (R-LNK-22).
    pub fn refuse(&self, seq: u64, refusal: Refusal) {
        self.send(GatewayFrame::error(Some(self.id()), Some(seq), refusal));
        self.acknowledge(seq);
    }

    /// Is its worker without a connection, though it may come back?
    pub(crate) fn is_detached(&self) -> bool {
        self.slot.workers.is_detached(&self.slot.worker)
    }

    /// Does it wait for input?
    pub fn is_parked(&self) -> bool {
        self.piece.is_parked()
    }

    /// It waits for input and may be evicted, or works again.
    pub fn set_parked(&self, parked: bool) {
        self.slot.workers.set_parked(&self.piece, &self.slot, parked);
    }

    /// The worker answers a turn of the session of `origin`, which is warm there for a while from
    /// the end on, be it a stop (R-HDS-11).
    pub(super) fn answers(mut self, origin: &Arc<Origin>) -> Self {
        self.answers = Some(Arc::clone(origin));
        self
    }

    /// What the worker is told if the work is dropped.
    pub(super) fn if_dropped(self, cause: Cause) -> Self {
        let mut work = self;
        work.if_dropped = cause;
        work
    }

    /// The worker has ended it.
    pub fn finish(mut self) {
        self.over = true;
    }

    /// Ends it and says why.
    pub fn cancel(mut self, cause: Cause) {
        self.over = true;
        self.send(GatewayFrame::cancel(self.id(), cause));
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.over {
            let goodbye = self.slot.workers.is_leaving();
            let cause = if goodbye { Cause::GatewayRestarted } else { self.if_dropped };
            self.send(GatewayFrame::cancel(self.id(), cause));
        }
        if let Some(origin) = &self.answers {
            self.slot.workers.note_served(origin, &self.slot);
        }
        self.slot.workers.end(&self.slot.worker, &self.piece);
    }
}
