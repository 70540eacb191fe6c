//! The drain: one signal that every connection and every live body hears.
//!
//! A watcher that was polled before costs two comparisons: it takes the lock only when it is first
//! polled, moves to another task, or goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use parking_lot::Mutex;

/// How far the gateway is on its way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Serving.
    Up = 0,
    /// Serving, while balancers find out that it is about to go (R-DRN-1).
    Leaving = 1,
    /// Nothing new; what runs may end.
    Draining = 2,
    /// No turn runs here any more: nothing is worth staying for.
    Ending = 3,
    /// What still runs is cut.
    Stopped = 4,
}

/// The signal.
#[derive(Debug, Default)]
pub struct Drain {
    phase: AtomicU8,
    /// Over how long reads and links are sent away, in ms.
    spread_ms: AtomicU64,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Drain {
    /// Where it stands.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Up,
            1 => Phase::Leaving,
            2 => Phase::Draining,
            3 => Phase::Ending,
            _ => Phase::Stopped,
        }
    }

    /// Sends reads and links away over `spread` (R-DRN-3), once it drains.
    pub fn spread_over(&self, spread: Duration) {
        let ms = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        self.spread_ms.store(ms, Ordering::Release);
    }

    /// Moves on to `phase` and wakes every watcher. Never moves back.
    pub fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        let wakers: Vec<Waker> = self.slots.lock().wakers.iter().flatten().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Somebody who wants to hear it.
    pub fn watch(self: &Arc<Self>) -> Watch {
        Watch { drain: Arc::clone(self), slot: None }
    }
}

/// Hears the signal. Place and waker of its last poll are in the slot.
#[derive(Debug)]
pub struct Watch {
    drain: Arc<Drain>,
    slot: Option<(usize, Waker)>,
}

impl Watch {
    /// Where the drain stands; the task is woken when it moves on.
    pub fn poll(&mut self, cx: &Context<'_>) -> Phase {
        let registered = self.slot.as_ref().is_some_and(|(_, old)| old.will_wake(cx.waker()));
        if !registered {
            self.register(cx.waker().clone());
        }
        // After registering: a signal between the two is seen here.
        self.drain.phase()
    }

    /// Where the drain stands.
    pub fn phase(&self) -> Phase {
        self.drain.phase()
    }

    /// A moment within the spread, and within `max`, chosen by `entropy`.
    pub fn moment(&self, entropy: u128, max: Duration) -> Duration {
        let spread = Duration::from_millis(self.drain.spread_ms.load(Ordering::Acquire));
        let spread = spread.min(max).as_millis();
        // 32 bits choose fairly enough, and nothing overflows.
        let ms = (spread * (entropy & u128::from(u32::MAX))) >> 32;
        Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
    }

    fn register(&mut self, waker: Waker) {
        let mut slots = self.drain.slots.lock();
        let place = match &self.slot {
            Some((place, _)) => *place,
            None => slots.free.pop().unwrap_or_else(|| {
                slots.wakers.push(None);
                slots.wakers.len() - 1
            }),
        };
        slots.wakers[place] = Some(waker.clone());
        drop(slots);
        self.slot = Some((place, waker));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((place, _)) = self.slot.take() {
            let mut slots = self.drain.slots.lock();
            slots.wakers[place] = None;
            slots.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;

    #[test]
    fn moments_lie_within_the_spread() {
        let drain = Arc::new(Drain::default());
        let watch = drain.watch();
        assert_eq!(watch.moment(u128::MAX, Duration::MAX), Duration::ZERO);
        drain.spread_over(Duration::from_secs(4));
        assert_eq!(watch.moment(0, Duration::MAX), Duration::ZERO);
        assert_eq!(watch.moment(1 << 31, Duration::MAX), Duration::from_secs(2));
        assert_eq!(watch.moment(u128::MAX, Duration::MAX), Duration::from_millis(3_999));
        let second = Duration::from_secs(1);
        assert_eq!(watch.moment(1 << 31, second), second / 2);
    }

    #[tokio::test]
    async fn every_watcher_hears_it_and_places_are_used_again() {
        let drain = Arc::new(Drain::default());
        let mut tasks = Vec::new();
        for _ in 0..3 {
            let mut watch = drain.watch();
            tasks.push(tokio::spawn(async move {
                poll_fn(|cx| match watch.poll(cx) {
                    Phase::Up => Poll::Pending,
                    phase => Poll::Ready(phase),
                })
                .await
            }));
        }
        tokio::task::yield_now().await;
        assert_eq!(drain.slots.lock().wakers.len(), 3);
        drain.advance(Phase::Draining);
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), Phase::Draining);
        }
        assert_eq!(drain.slots.lock().free.len(), 3);
        drain.advance(Phase::Up);
        assert_eq!(drain.phase(), Phase::Draining);
    }
}
