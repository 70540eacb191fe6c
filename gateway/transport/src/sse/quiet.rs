//! What a silent stream does: pings, and the end of its patience. One timer, armed again only when
//! it fires, never for each record.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tidegate_protocol::limits::PING_INTERVAL_MS;
use tokio::time::{Instant, Sleep, sleep_until};

const PING_INTERVAL: Duration = Duration::from_millis(PING_INTERVAL_MS);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Something to show that the stream lives.
    Ping,
    /// No record came for the whole time that the reader wanted to wait.
    End,
}

/// The clock of one stream.
#[derive(Debug)]
pub(crate) struct Quiet {
    timer: Option<Pin<Box<Sleep>>>,
    last_record: Instant,
    last_write: Instant,
    /// `None` waits for ever.
    patience: Option<Duration>,
}

impl Quiet {
    pub(crate) fn new(patience: Option<Duration>) -> Self {
        let now = Instant::now();
        Self { timer: None, last_record: now, last_write: now, patience }
    }

    /// Records were written.
    pub(crate) fn wrote(&mut self) {
        self.last_record = Instant::now();
        self.last_write = self.last_record;
    }

    /// What is due now; the task is woken when something becomes due.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            let ping = self.last_write + PING_INTERVAL;
            let end = self.patience.map(|patience| self.last_record + patience);
            let next = end.map_or(ping, |end| end.min(ping));
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            if end.is_some_and(|end| end <= now) {
                return Poll::Ready(Due::End);
            }
            if ping <= now {
                self.last_write = now;
                // Armed by the next call, which finds it fired.
                return Poll::Ready(Due::Ping);
            }
            timer.as_mut().reset(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn pings_until_patience_ends() {
        let mut quiet = Quiet::new(Some(Duration::from_secs(25)));
        let start = Instant::now();
        let mut seen = Vec::new();
        loop {
            let due = poll_fn(|cx| quiet.poll(cx)).await;
            seen.push((due, start.elapsed().as_secs()));
            if due == Due::End {
                break;
            }
        }
        assert_eq!(seen, [(Due::Ping, 10), (Due::Ping, 20), (Due::End, 25)]);
    }

    #[tokio::test(start_paused = true)]
    async fn records_put_both_off() {
        let mut quiet = Quiet::new(Some(Duration::from_secs(12)));
        let start = Instant::now();
        assert!(poll_fn(|cx| Poll::Ready(quiet.poll(cx).is_pending())).await);
        tokio::time::advance(Duration::from_secs(9)).await;
        quiet.wrote();
        assert_eq!(poll_fn(|cx| quiet.poll(cx)).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 19);
        assert_eq!(poll_fn(|cx| quiet.poll(cx)).await, Due::End);
        assert_eq!(start.elapsed().as_secs(), 21);
    }
}
