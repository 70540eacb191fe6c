//! The state of a worker over all of its connections. Pure: frames go in and out, and wakers are
//! woken; no sockets, no clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use serde_json::value::RawValue;
use tidegate_protocol::ErrorCode;
use tidegate_protocol::limits::RECORD_MAX_BYTES;
use tidegate_protocol::link::{
    AgentSpec, Cause, ErrorFrame, GatewayFrame, HandoverFrame, Hello, TurnFrame, Welcome,
    WorkerFrame,
};

use super::held::{Fate, Held};
use crate::error::AnswerError;

/// See the module.
#[derive(Debug)]
pub(crate) struct Machine {
    worker: String,
    capacity: usize,
    agents: Vec<AgentSpec>,
    epoch: u64,
    phase: Phase,
    window: usize,
    held: BTreeMap<String, Held>,
    /// Frames about the link itself, which go first.
    control: VecDeque<WorkerFrame>,
    /// Work that may have something to send, each once, the longest waiting first.
    ready: VecDeque<String>,
    draining: bool,
    sender: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Down,
    /// `hello` is on its way.
    Greeting,
    Up,
}

/// What a frame of the gateway's asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Nothing further.
    Nothing,
    /// The link stands, with these times.
    Joined(Welcome),
    /// Answer a turn.
    Begin(Box<TurnFrame>),
    /// It drains; come back after so many ms.
    Goaway(u64),
    /// It refuses the link as a whole.
    Refused(ErrorFrame),
}

impl Machine {
    /// A worker that has made no connection yet.
    pub(crate) fn new(worker: String, capacity: usize, agents: Vec<AgentSpec>) -> Self {
        Self {
            worker,
            capacity,
            agents,
            epoch: 0,
            phase: Phase::Down,
            window: 0,
            held: BTreeMap::new(),
            control: VecDeque::new(),
            ready: VecDeque::new(),
            draining: false,
            sender: None,
        }
    }

    /// A connection stands: registers (R-LNK-5, R-LNK-10).
    pub(crate) fn handle_connected(&mut self) {
        self.epoch += 1;
        self.phase = Phase::Greeting;
        self.ready.clear();
        self.held.values_mut().for_each(Held::leave_queue);
        self.control.clear();
        self.control.push_back(WorkerFrame::Hello(Hello {
            worker: self.worker.clone(),
            epoch: self.epoch,
            capacity: self.capacity,
            agents: self.agents.clone(),
            work: self.held.iter().map(|(id, held)| held.shown(id)).collect(),
        }));
        self.wake_sender();
    }

    /// The connection is gone.
    pub(crate) fn handle_disconnected(&mut self) {
        self.phase = Phase::Down;
        self.control.clear();
    }

    /// Takes no new turns from now on (R-LNK-15).
    pub(crate) fn handle_drain(&mut self) {
        self.draining = true;
        if self.phase == Phase::Up {
            self.control.push_back(WorkerFrame::Drain);
            self.wake_sender();
        }
    }

    /// Time for a sign of life (R-LNK-12).
    pub(crate) fn handle_beat(&mut self) {
        if self.phase == Phase::Up {
            self.control.push_back(WorkerFrame::Ping);
            self.wake_sender();
        }
    }

    /// A frame from the gateway.
    pub(crate) fn handle(&mut self, frame: GatewayFrame) -> Asked {
        match frame {
            GatewayFrame::Welcome(welcome) => {
                self.join(&welcome);
                return Asked::Joined(welcome);
            }
            GatewayFrame::Turn(turn) => {
                if !self.held.contains_key(&turn.id) {
                    self.held.insert(turn.id.clone(), Held::new(turn.head_start));
                    return Asked::Begin(turn);
                }
            }
            GatewayFrame::Handover(handover) => {
                let id = handover.id.clone();
                if let Some(held) = self.held.get_mut(&id) {
                    held.hand_over(handover);
                    self.enqueue(&id);
                }
            }
            GatewayFrame::Ack(ack) => self.acknowledge(&ack.id, ack.seq),
            GatewayFrame::Cancel(cancel) => {
                let stopped = matches!(cancel.reason, Cause::Stopped | Cause::Cancelled);
                self.close(&cancel.id, stopped.then_some(Fate::Stopped));
            }
            GatewayFrame::Error(error) => return self.refused(error),
            GatewayFrame::Goaway(goaway) => return Asked::Goaway(goaway.reconnect_ms),
            // Of modes and abilities that this worker does not register.
            GatewayFrame::Boot(_) | GatewayFrame::In(_) | GatewayFrame::Evict(_) => {}
            // That it hears shows in that something came.
            GatewayFrame::Pong => {}
        }
        Asked::Nothing
    }

    /// A chunk of the work `id`, taken out of `chunk` as soon as there is room.
    pub(crate) fn poll_push(
        &mut self,
        id: &str,
        chunk: &mut Option<Box<RawValue>>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), AnswerError>> {
        let Some(held) = self.held.get_mut(id) else { return Poll::Ready(Err(AnswerError::Over)) };
        if let Some(error) = held.take_refusal() {
            return Poll::Ready(Err(error));
        }
        if chunk.as_ref().is_some_and(|chunk| chunk.get().len() > RECORD_MAX_BYTES) {
            return Poll::Ready(Err(AnswerError::TooLarge { max: RECORD_MAX_BYTES }));
        }
        if !held.has_room() {
            held.wait(cx.waker());
            return Poll::Pending;
        }
        if let Some(chunk) = chunk.take() {
            held.push(chunk);
            self.enqueue(id);
        }
        Poll::Ready(Ok(()))
    }

    /// The agent is done with the work `id`; `error` is for the user.
    pub(crate) fn handle_done(&mut self, id: &str, error: Option<String>) {
        if let Some(held) = self.held.get_mut(id) {
            held.end(error);
            self.enqueue(id);
        }
    }

    /// What became of the step of the work `id` that was made elsewhere; `None` once it is gone.
    pub(crate) fn poll_handover(
        &mut self,
        id: &str,
        cx: &Context<'_>,
    ) -> Poll<Option<Box<HandoverFrame>>> {
        let Some(held) = self.held.get_mut(id) else { return Poll::Ready(None) };
        let taken = held.take_handover();
        if taken.is_none() {
            held.wait(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(taken)
    }

    /// Where the end of the work `id` will be written, if it is held.
    pub(crate) fn fate(&self, id: &str) -> Option<Arc<OnceLock<Fate>>> {
        self.held.get(id).map(Held::fate)
    }

    /// Ready when the work `id` is not held (any more).
    pub(crate) fn poll_gone(&mut self, id: &str, cx: &Context<'_>) -> Poll<()> {
        match self.held.get_mut(id) {
            None => Poll::Ready(()),
            Some(held) => {
                held.wait(cx.waker());
                Poll::Pending
            }
        }
    }

    /// The text of the next message to send; pending while there is none.
    pub(crate) fn poll_send(&mut self, cx: &Context<'_>) -> Poll<String> {
        if let Some(frame) = self.control.pop_front() {
            return Poll::Ready(frame.to_json());
        }
        while self.phase == Phase::Up
            && let Some(id) = self.ready.pop_front()
        {
            let held = self.held.get_mut(&id);
            if let Some(held) = held {
                held.leave_queue();
                if let Some(text) = held.next_message(&id, self.window) {
                    // Behind the others, so that no work holds up another.
                    self.enqueue(&id);
                    return Poll::Ready(text);
                }
            }
        }
        self.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Did it drain, and is nothing left?
    pub(crate) fn is_drained(&self) -> bool {
        self.draining && self.held.is_empty()
    }

    fn join(&mut self, welcome: &Welcome) {
        self.phase = Phase::Up;
        self.window = welcome.window_bytes;
        let answers: BTreeMap<_, _> =
            welcome.work.iter().filter(|work| work.held).map(|work| (&*work.id, work)).collect();
        self.held.retain(|id, _| answers.contains_key(&**id));
        for (id, held) in &mut self.held {
            held.acknowledge(answers[&**id].acked);
            held.send_again();
        }
        let held: Vec<String> = self.held.keys().cloned().collect();
        for id in &held {
            if self.held[id].is_over() {
                self.close(id, Some(Fate::Stored));
            } else {
                self.enqueue(id);
            }
        }
        if self.draining {
            self.control.push_back(WorkerFrame::Drain);
        }
        self.wake_sender();
    }

    fn acknowledge(&mut self, id: &str, seq: u64) {
        let Some(held) = self.held.get_mut(id) else { return };
        held.acknowledge(seq);
        if held.is_over() {
            self.close(id, Some(Fate::Stored));
        } else {
            self.enqueue(id);
        }
    }

    fn close(&mut self, id: &str, fate: Option<Fate>) {
        if let Some(held) = self.held.remove(id) {
            held.close(fate);
        }
    }

    fn refused(&mut self, error: ErrorFrame) -> Asked {
        let Some(id) = &error.id else { return Asked::Refused(error) };
        let lost = [ErrorCode::NotHeld, ErrorCode::SeqGap, ErrorCode::WindowExceeded];
        if lost.iter().any(|code| code.as_str() == error.code) {
            self.held.remove(id);
        } else if let Some(held) = self.held.get_mut(id) {
            let (code, message) = (error.code.into_owned(), error.message);
            held.refuse(AnswerError::Refused { code, message });
        }
        Asked::Nothing
    }

    fn enqueue(&mut self, id: &str) {
        if self.held.get_mut(id).is_some_and(Held::enter_queue) {
            self.ready.push_back(id.to_owned());
        }
        self.wake_sender();
    }

    fn wake_sender(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }
}

#[cfg(test)]
mod tests;
