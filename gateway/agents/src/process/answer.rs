//! One child's output as an answer: what was ready in one read is one item.

use std::sync::Arc;

use futures_util::stream;
use tidegate_core::seams::backend::{AnswerStream, BackendError, BackendFault, Chunk, TurnRequest};
use tracing::warn;

use super::backend::Shared;
use super::deadlines::Deadlines;
use super::group::Ending;
use super::keeper::{self, Exit};
use super::lines::Lines;
use super::running::{Event, Running};
use super::translate::Translator;
use crate::upstream::Broken;

/// Starts a child when the stream is first polled and gives what it writes.
pub(super) fn answer(shared: Arc<Shared>, request: TurnRequest) -> AnswerStream {
    let answer = Answer {
        shared,
        state: State::Idle(Box::new(request)),
        lines: Lines::default(),
        translator: Translator::default(),
    };
    Box::pin(stream::unfold(answer, |mut answer| async move {
        answer.next().await.map(|item| (item, answer))
    }))
}

struct Answer {
    shared: Arc<Shared>,
    state: State,
    lines: Lines,
    translator: Translator,
}

enum State {
    Idle(Box<TurnRequest>),
    Running(Box<Running>),
    /// An error that follows chunks which came before it.
    Failed(BackendError),
    Over,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<Vec<Chunk>, BackendError>> {
        let mut chunks = Vec::new();
        loop {
            let stepped = match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return None,
                State::Failed(error) => return Some(Err(error)),
                State::Idle(request) => self.start(&request).await,
                State::Running(running) => self.step(running, &mut chunks).await,
            };
            match stepped {
                Err(error) if chunks.is_empty() => return Some(Err(error)),
                Err(error) => self.state = State::Failed(error),
                Ok(()) => {}
            }
            if !chunks.is_empty() {
                return Some(Ok(chunks));
            }
        }
    }

    async fn start(&mut self, request: &TurnRequest) -> Result<(), BackendError> {
        let shared = &*self.shared;
        let mut deadlines = Deadlines::start(shared.timeouts);
        let room = Arc::clone(&shared.room).acquire_owned();
        let permit = tokio::select! {
            biased;
            permit = room => permit.expect("the semaphore is never closed"),
            reason = deadlines.wait() => {
                let reason = format!("{reason}: all {} children are busy", shared.max_children);
                return Err(shared.namer.error(BackendFault::Timeout, &reason));
            }
        };
        let started = keeper::start(&shared.launch, request, permit).map_err(|error| {
            let (kind, reason) = shared.launch.failure(&error);
            shared.namer.error(kind, &reason)
        })?;
        self.state = State::Running(Box::new(Running::new(started, deadlines)));
        Ok(())
    }

    /// An error drops `running`, which ends the child.
    async fn step(
        &mut self,
        mut running: Box<Running>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), BackendError> {
        match running.next(&mut self.lines).await {
            Event::Output => {
                self.translate(out)?;
                self.state = State::Running(running);
                Ok(())
            }
            Event::Exit(exit) => {
                self.translate(out)?;
                self.finish(exit, out)
            }
            Event::Late(reason) => Err(self.error(BackendFault::Timeout, &reason)),
        }
    }

    fn translate(&mut self, out: &mut Vec<Chunk>) -> Result<(), BackendError> {
        while let Some(line) = self.lines.next().map_err(|broken| self.name(&broken))? {
            let translated = self.translator.line(&line, out);
            translated.map_err(|broken| self.name(&broken))?;
        }
        Ok(())
    }

    fn finish(&mut self, exit: Option<Exit>, out: &mut Vec<Chunk>) -> Result<(), BackendError> {
        let file = self.shared.launch.file_name();
        let Some(Exit { ending, complaint }) = exit else {
            return Err(self.error(BackendFault::Unavailable, &format!("lost {file}")));
        };
        if ending == Ending::Status(0) {
            let rest = self.lines.rest();
            let translated = self.translator.line(&rest, out);
            translated.map_err(|broken| self.name(&broken))?;
            self.translator.close(out);
            return Ok(());
        }
        let namer = &self.shared.namer;
        let complaint = namer.excerpt(complaint.as_bytes());
        let colon = if complaint.is_empty() { "" } else { ": " };
        let reason = format!("{file} {ending}{colon}{complaint}");
        warn!("{namer:?}: {reason}");
        Err(namer.error(BackendFault::Unavailable, &reason))
    }

    fn name(&self, broken: &Broken) -> BackendError {
        self.error(broken.kind, &broken.reason)
    }

    fn error(&self, kind: BackendFault, reason: &str) -> BackendError {
        self.shared.namer.error(kind, reason)
    }
}
