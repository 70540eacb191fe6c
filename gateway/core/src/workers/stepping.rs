//! Turns of linked agents whose first step the gateway makes while the worker does what comes
//! before its model (R-HDS, mode `turns`).

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tidegate_protocol::ErrorCode;
use tidegate_protocol::limits::{RETRY_PAUSE_MS, TURN_ATTEMPTS_MAX};
use tidegate_protocol::link::{GatewayFrame, Handed, HandoverFrame, Refusal, WorkerFrame};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::info;

use super::backend::{Item, ask, failure, place};
use super::piece::WorkEvent;
use super::registry::Workers;
use super::work::{Slot, Work};
use crate::agents::AgentKey;
use crate::head_start::{CANT_GO_ON, HeadStart, Outcome, StepEvent, WarmStep};
use crate::seams::backend::{BackendFault, TurnRequest};
use crate::turns::answer::Answer;

/// A turn until its hand-over.
pub(super) struct Stepping {
    workers: Arc<Workers>,
    request: TurnRequest,
    agent: AgentKey,
    warm: Arc<HeadStart>,
    /// What was shown.
    answer: Answer,
    phase: Phase,
    worker: Worker,
}

enum Phase {
    /// The step is made.
    Step(Box<WarmStep>),
    /// It is over; the agent takes over until then, where there is something to take.
    Over(Handed, Option<Instant>),
}

enum Worker {
    Asked(BoxFuture<'static, Slot>),
    There(Work),
}

/// What comes next.
pub(super) enum Next {
    /// Something to show, or the failure of the turn.
    Item(Item),
    /// The worker was handed the turn; the frame is sent again if its link is cut. Without one it
    /// makes all of the answer.
    HandedOver(Work, Option<GatewayFrame>),
}

enum Event {
    Step(StepEvent),
    Room(Slot),
    Worker(WorkEvent),
    Late,
}

impl Stepping {
    pub(super) fn begin(
        workers: &Arc<Workers>,
        request: TurnRequest,
        agent: AgentKey,
        warm: Arc<HeadStart>,
        calls: bool,
    ) -> Self {
        let answer = Answer::new(request.clone(), None);
        let worker = Worker::Asked(asking(workers, &request, &agent));
        let step = Box::new(warm.begin(request.clone(), calls));
        let workers = Arc::clone(workers);
        Self { workers, request, agent, warm, answer, phase: Phase::Step(step), worker }
    }

    /// Cancel-safe: what it has taken is in `self`.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            if let Some(handed) = self.hand_over() {
                return handed;
            }
            let event = self.event().await;
            if let Some(next) = self.take(event) {
                return next;
            }
        }
    }

    async fn event(&mut self) -> Event {
        let late = match &self.phase {
            Phase::Over(_, late) => *late,
            Phase::Step(_) => None,
        };
        tokio::select! {
            biased;
            event = step(&mut self.phase) => Event::Step(event),
            event = worker(&mut self.worker) => event,
            () = sleep_until(late.unwrap_or_else(Instant::now)), if late.is_some() => Event::Late,
        }
    }

    fn take(&mut self, event: Event) -> Option<Next> {
        match event {
            Event::Step(StepEvent::Chunks(chunks)) => {
                // The engine holds them to the grammar, and says so where they break it.
                let _ = self.answer.admit(chunks.clone());
                Some(Next::Item(Ok(chunks)))
            }
            Event::Step(StepEvent::Ended(outcome)) => self.end_step(outcome),
            Event::Room(slot) => self.come(slot),
            Event::Worker(event) => self.hear(event),
            Event::Late => {
                info!("the head start is given up");
                let text = "the agent did not take the answer over in time".to_owned();
                Some(Next::Item(Err(failure(BackendFault::Timeout, text))))
            }
        }
    }

    fn end_step(&mut self, outcome: Outcome) -> Option<Next> {
        let outcome = match outcome {
            Outcome::Final => Handed::Final,
            Outcome::Calls => Handed::Calls,
            Outcome::Text => Handed::Text,
            Outcome::Failed(_) if self.answer.is_silent() => Handed::Skip,
            // Not one that nobody saw: it is not asked again.
            Outcome::Failed(error) => return Some(Next::Item(Err(error))),
        };
        // An agent that was handed nothing is waited for like any other.
        let wait = Duration::from_millis(self.warm.wait_ms);
        let late = (outcome != Handed::Skip).then(|| Instant::now() + wait);
        self.phase = Phase::Over(outcome, late);
        None
    }

    /// A worker has room. The step is held to what it takes over (R-HDS-26).
    fn come(&mut self, slot: Slot) -> Option<Next> {
        let takes = slot.takes_over().map(|takes| self.warm.held_to(takes));
        let fitting = takes.filter(|takes| takes.fits(&self.answer.message()));
        if let Some(takes) = &fitting {
            if let Phase::Step(step) = &mut self.phase {
                step.narrow(takes);
            }
            let work = ask(&self.workers, self.request.clone(), slot, true);
            self.worker = Worker::There(work);
            return None;
        }
        if self.answer.is_silent() {
            let work = ask(&self.workers, self.request.clone(), slot, false);
            return Some(Next::HandedOver(work, None));
        }
        Some(Next::Item(Err(failure(BackendFault::Invalid, CANT_GO_ON.to_owned()))))
    }

    fn hear(&mut self, event: WorkEvent) -> Option<Next> {
        let Worker::There(work) = &self.worker else { return None };
        match event {
            WorkEvent::Frame(frame) => {
                let seq = frame.seq()?;
                if let WorkerFrame::Done(done) = *frame {
                    work.acknowledge(seq);
                    if let Worker::There(work) = std::mem::replace(&mut self.worker, nobody()) {
                        work.finish();
                    }
                    let text = done.error.unwrap_or_else(|| "it took nothing over".to_owned());
                    return Some(Next::Item(Err(failure(BackendFault::Invalid, text))));
                }
                let text = "nothing may come before the hand-over";
                work.refuse(seq, Refusal::new(ErrorCode::InvalidBody, text));
                None
            }
            // It has been handed nothing: another one may begin, within the budget (I7).
            WorkEvent::Lost(_) if self.request.attempt >= TURN_ATTEMPTS_MAX => {
                let text = format!("{TURN_ATTEMPTS_MAX} workers were lost");
                // They are counted here, and the turn is not asked for anew.
                Some(Next::Item(Err(failure(BackendFault::Invalid, text))))
            }
            WorkEvent::Lost(_) => {
                // The first may have died of anything; more of them perhaps of the turn.
                let pause = if self.request.attempt > 1 { RETRY_PAUSE_MS } else { 0 };
                self.request.attempt += 1;
                let asked = asking(&self.workers, &self.request, &self.agent);
                let pause = sleep(Duration::from_millis(pause));
                self.worker = Worker::Asked(pause.then(|()| asked).boxed());
                None
            }
            WorkEvent::Resumed { .. } | WorkEvent::Evict => None,
        }
    }

    /// Once the step is over and a worker is there.
    fn hand_over(&mut self) -> Option<Next> {
        let Phase::Over(outcome, _) = &self.phase else { return None };
        let outcome = *outcome;
        match std::mem::replace(&mut self.worker, nobody()) {
            Worker::There(work) => {
                let message = (outcome != Handed::Skip).then(|| self.answer.message());
                let frame = HandoverFrame { id: work.id().to_owned(), outcome, message };
                let frame = GatewayFrame::Handover(Box::new(frame));
                info!(work = work.id(), ?outcome, "the step is handed over");
                work.send(frame.clone());
                Some(Next::HandedOver(work, Some(frame)))
            }
            asked => {
                self.worker = asked;
                None
            }
        }
    }
}

fn nobody() -> Worker {
    Worker::Asked(std::future::pending().boxed())
}

fn asking(
    workers: &Arc<Workers>,
    request: &TurnRequest,
    agent: &AgentKey,
) -> BoxFuture<'static, Slot> {
    let (workers, agent) = (Arc::clone(workers), agent.clone());
    let origin = Arc::clone(&request.origin);
    async move { place(&workers, agent, &origin).await }.boxed()
}

async fn step(phase: &mut Phase) -> StepEvent {
    match phase {
        Phase::Step(step) => step.next().await,
        Phase::Over(..) => std::future::pending().await,
    }
}

async fn worker(worker: &mut Worker) -> Event {
    match worker {
        Worker::Asked(asked) => Event::Room(asked.await),
        Worker::There(work) => Event::Worker(work.next().await),
    }
}

#[cfg(test)]
mod tests;
