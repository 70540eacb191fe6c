//! Finds clients that take nothing.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Ready when something waited for the whole time, and none of it was taken.
pub(super) struct Stall {
    patience: Duration,
    /// Since when it waits, and how much.
    waiting: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Stall {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, waiting: None }
    }

    /// `left` bytes wait; `None`: nothing waits that should not.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, left: Option<usize>) -> Poll<()> {
        let Some(left) = left else {
            self.waiting = None;
            return Poll::Pending;
        };
        if self.waiting.as_ref().is_none_or(|(_, before)| left < *before) {
            self.waiting = Some((Box::pin(sleep(self.patience)), left));
        }
        let Some((timer, before)) = &mut self.waiting else { return Poll::Pending };
        *before = left;
        timer.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn pending(stall: &mut Stall, left: Option<usize>) -> bool {
        poll_fn(|cx| Poll::Ready(stall.poll(cx, left).is_pending())).await
    }

    #[tokio::test(start_paused = true)]
    async fn taking_something_is_enough() {
        let mut stall = Stall::new(PATIENCE);
        for left in [Some(9), Some(8), Some(7), None, Some(9)] {
            assert!(pending(&mut stall, left).await);
            tokio::time::advance(PATIENCE - Duration::from_secs(1)).await;
        }
        assert!(pending(&mut stall, Some(9)).await);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!pending(&mut stall, Some(9)).await);
    }
}
