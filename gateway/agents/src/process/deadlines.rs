//! How long an answer may take (R-PRC-11).

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::config::Timeouts;

/// The deadlines of one answer.
#[derive(Debug)]
pub(super) struct Deadlines {
    timeouts: Timeouts,
    first_byte: Instant,
    total: Instant,
    last_byte: Option<Instant>,
    /// Armed for a time that is never later than the next deadline; moved only when it fires.
    timer: Pin<Box<Sleep>>,
}

impl Deadlines {
    /// From now on.
    pub(super) fn start(timeouts: Timeouts) -> Self {
        let now = Instant::now();
        let (first_byte, total) = (now + timeouts.first_byte(), now + timeouts.total());
        let timer = Box::pin(sleep_until(first_byte.min(total)));
        Self { timeouts, first_byte, total, last_byte: None, timer }
    }

    /// Output came.
    pub(super) fn mark(&mut self) {
        let now = Instant::now();
        if self.last_byte.replace(now).is_none() {
            let next = self.next();
            self.timer.as_mut().reset(next);
        }
    }

    /// Why the answer has failed by now, if it has.
    pub(super) fn passed(&self) -> Option<String> {
        let Timeouts { first_byte_ms, idle_ms, total_ms, .. } = self.timeouts;
        let now = Instant::now();
        if now >= self.total {
            Some(format!("answer was not whole within {total_ms} ms"))
        } else if now < self.next() {
            None
        } else if self.last_byte.is_some() {
            Some(format!("silent for {idle_ms} ms in the middle of its answer"))
        } else {
            Some(format!("no answer within {first_byte_ms} ms"))
        }
    }

    /// Waits until a deadline has passed; says which.
    pub(super) async fn wait(&mut self) -> String {
        loop {
            self.timer.as_mut().await;
            if let Some(reason) = self.passed() {
                return reason;
            }
            let next = self.next();
            self.timer.as_mut().reset(next);
        }
    }

    fn next(&self) -> Instant {
        let silent = self.last_byte.map_or(self.first_byte, |last| last + self.timeouts.idle());
        silent.min(self.total)
    }
}
