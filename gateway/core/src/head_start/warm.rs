//! Runs a step: asks its backends, lets the first token win, and keeps the time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, Sleep, sleep};
use tracing::{Instrument, Span, info, info_span};

use super::config::HeadStart;
use super::step::{Outcome, Step};
use crate::agents::TakesOver;
use crate::seams::AgentBackend;
use crate::seams::backend::{AnswerStream, BackendError, BackendFault, Chunk, TurnRequest};

/// What a step gives.
#[derive(Clone, Debug, PartialEq)]
pub enum StepEvent {
    /// Chunks to show, at least one.
    Chunks(Vec<Chunk>),
    /// It is over, and its backend cut off. Comes once, as the last event.
    Ended(Outcome),
}

/// A step that runs. Dropping it cancels every call of a backend, down to the socket.
pub struct WarmStep {
    /// Both backends, until one of them has said something.
    asked: Vec<Asked>,
    outcome: Option<Outcome>,
    /// The time that it may take.
    time: Pin<Box<Sleep>>,
    step_ms: u64,
    span: Span,
}

/// A backend that was asked for the step.
struct Asked {
    stream: AnswerStream,
    step: Step,
    call: Span,
}

type Item = Option<Result<Vec<Chunk>, BackendError>>;

impl HeadStart {
    /// Asks for the step of `request`, whose `tools` are those that the agent registered. Without
    /// `calls_allowed` the agent takes only text. Needs a Tokio runtime.
    pub fn begin(&self, mut request: TurnRequest, calls_allowed: bool) -> WarmStep {
        if let Some(tools) = &self.tools {
            request.tools = tools.clone();
        }
        let span = info_span!("head_start", turn = request.turn);
        span.in_scope(|| info!(hedged = self.hedge.is_some(), "a first step begins"));
        let ask = |place, backend: &dyn AgentBackend, request: TurnRequest| {
            let call = info_span!(parent: &span, "backend", place, attempt = request.attempt);
            let step = Step::new(request.tools.clone(), calls_allowed);
            let stream = call.in_scope(|| backend.answer(request));
            Asked { stream, step, call }
        };
        let mut asked = vec![ask("main", &*self.backend, request.clone())];
        asked.extend(self.hedge.as_ref().map(|hedge| ask("hedge", &**hedge, request)));
        let time = Box::pin(sleep(Duration::from_millis(self.step_ms)));
        WarmStep { asked, outcome: None, time, step_ms: self.step_ms, span }
    }
}

impl WarmStep {
    /// The next event. Cancel-safe.
    pub async fn next(&mut self) -> StepEvent {
        let span = self.span.clone();
        self.event().instrument(span).await
    }

    /// See [`Step::narrow`].
    pub fn narrow(&mut self, takes: &TakesOver) {
        self.asked.iter_mut().for_each(|asked| asked.step.narrow(takes));
    }

    async fn event(&mut self) -> StepEvent {
        loop {
            if let Some(outcome) = self.outcome.take() {
                return StepEvent::Ended(outcome);
            }
            let Self { asked, time, .. } = self;
            tokio::select! {
                biased;
                (at, item) = poll_fn(|cx| poll(asked, cx)) => {
                    let shown = self.take(at, item);
                    // A backend that always has something would never let the timer be looked at.
                    if self.outcome.is_none() && self.time.deadline() <= Instant::now() {
                        self.stop_late();
                    }
                    if !shown.is_empty() {
                        return StepEvent::Chunks(shown);
                    }
                }
                () = time => self.stop_late(),
            }
        }
    }

    /// Takes what the backend at `at` gave; gives what is shown of it.
    fn take(&mut self, at: usize, item: Item) -> Vec<Chunk> {
        let Asked { step, call, .. } = &mut self.asked[at];
        let had_content = step.has_content();
        let (shown, outcome) = match item {
            Some(Ok(chunks)) => step.take(chunks),
            Some(Err(error)) => (Vec::new(), Some(step.fail(error))),
            None => {
                let (shown, outcome) = step.end();
                (shown, Some(outcome))
            }
        };
        if step.has_content() && !had_content {
            call.in_scope(|| info!("the first token"));
        }
        if step.has_content() && self.asked.len() > 1 {
            // The race is over: the other one is cancelled before it is polled again.
            self.asked.swap(0, at);
            for lost in self.asked.drain(1..) {
                lost.call.in_scope(|| info!("cancelled, for the other one was first"));
            }
        }
        match outcome {
            // One that fails before it said anything leaves the step to the other.
            Some(Outcome::Failed(error)) if self.asked.len() > 1 => {
                let failed = self.asked.remove(at);
                failed.call.in_scope(|| info!(kind = ?error.kind, "left to the other one"));
            }
            Some(outcome) => self.end(outcome),
            None => {}
        }
        shown
    }

    /// The step has had its time.
    fn stop_late(&mut self) {
        let message = format!("the head start took more than {} ms", self.step_ms);
        let error = BackendError { kind: BackendFault::Timeout, message };
        // Of two that said nothing yet, neither is over.
        let outcome = self.asked.first().map(|asked| asked.step.fail(error.clone()));
        self.end(outcome.unwrap_or(Outcome::Failed(error)));
    }

    fn end(&mut self, outcome: Outcome) {
        match &outcome {
            // What it says may be the model's own words.
            Outcome::Failed(BackendError { kind, .. }) => {
                self.span.in_scope(|| info!(?kind, "the first step failed"));
            }
            outcome => self.span.in_scope(|| info!(?outcome, "the first step is over")),
        }
        self.asked.clear();
        self.outcome = Some(outcome);
    }
}

impl Drop for WarmStep {
    fn drop(&mut self) {
        if !self.asked.is_empty() {
            self.span.in_scope(|| info!("the first step is cancelled"));
        }
    }
}

/// The first item that is there, and whose it is.
fn poll(asked: &mut [Asked], cx: &mut Context<'_>) -> Poll<(usize, Item)> {
    for (at, Asked { stream, call, .. }) in asked.iter_mut().enumerate() {
        if let Poll::Ready(item) = call.in_scope(|| stream.poll_next_unpin(cx)) {
            return Poll::Ready((at, item));
        }
    }
    Poll::Pending
}

impl std::fmt::Debug for WarmStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WarmStep").field("asked", &self.asked.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
