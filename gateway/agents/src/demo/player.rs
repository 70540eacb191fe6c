//! Plays a script in time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tidegate_core::seams::backend::{BackendError, Chunk};
use tokio::time::{Instant, sleep_until};

use super::script::{Script, Step};

/// An item holds at most this many chunks…
const BATCH_MAX_CHUNKS: usize = 64;
/// …or about this many bytes.
const BATCH_MAX_BYTES: usize = 256 * 1024;

/// A script that is being played.
#[derive(Debug)]
pub(super) struct Player {
    agent: Arc<str>,
    script: Script,
    /// The next delta is due then. Absolute, so that late wakes don't add up.
    due: Option<Instant>,
}

impl Player {
    /// `agent` is named in failures.
    pub(super) fn new(agent: Arc<str>, script: Script) -> Self {
        Self { agent, script, due: None }
    }

    /// The next item: everything that is due by now, waiting only if nothing is.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<Chunk>, BackendError>> {
        // An answer without a pace must not keep its worker thread to itself.
        tokio::task::consume_budget().await;
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            if batch.len() >= BATCH_MAX_CHUNKS || bytes >= BATCH_MAX_BYTES {
                return Some(Ok(batch));
            }
            if let Some(due) = self.due.filter(|due| *due > Instant::now()) {
                if !batch.is_empty() {
                    return Some(Ok(batch));
                }
                sleep_until(due).await;
            }
            match self.take() {
                Taken::Chunk(chunk) => {
                    bytes += chunk.raw.len();
                    batch.push(chunk);
                }
                Taken::Nothing => {}
                Taken::Break if !batch.is_empty() => return Some(Ok(batch)),
                Taken::Break => match self.script.steps.pop_front() {
                    Some(Step::Fail(kind, message)) => {
                        self.script.steps.clear();
                        let message = format!("agent \"{}\" (demo): {message}", self.agent);
                        return Some(Err(BackendError { kind, message }));
                    }
                    Some(_) => std::future::pending().await,
                    None => return None,
                },
            }
        }
    }

    fn take(&mut self) -> Taken {
        let Some(step) = self.script.steps.front_mut() else { return Taken::Break };
        let taken = match step {
            Step::Hang | Step::Fail(..) => return Taken::Break,
            Step::Wait(time) => {
                let time = *time;
                self.advance(time);
                Taken::Nothing
            }
            Step::Chunk(value) => Taken::Chunk(Chunk::of(value.take())),
            Step::Deltas { kind, id, source, pace } => {
                if let Some(text) = source.next() {
                    let chunk = Chunk::of(json!({"type": kind, "id": id, "delta": text}));
                    let pace = *pace;
                    self.advance(pace);
                    return Taken::Chunk(chunk);
                }
                Taken::Nothing
            }
        };
        self.script.steps.pop_front();
        taken
    }

    fn advance(&mut self, time: Duration) {
        if !time.is_zero() {
            self.due = Some(self.due.unwrap_or_else(Instant::now) + time);
        }
    }
}

enum Taken {
    Chunk(Chunk),
    Nothing,
    /// The end, or a step that must not share an item with what came before it.
    Break,
}
