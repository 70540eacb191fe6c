//! The drain: one signal that every connection and every live body hears.
//!
//! A watcher that was polled before costs two comparisons: it takes the lock only when it is first
//! polled, moves to another task, or goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Waker};

use parking_lot::Mutex;

/// How far the gateway is on its way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Serving.
    Up = 0,
    /// Nothing new; what runs may end.
    Draining = 1,
    /// What still runs is cut.
    Stopped = 2,
}

/// The signal.
#[derive(Debug, Default)]
pub struct Drain {
    phase: AtomicU8,
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
            1 => Phase::Draining,
            _ => Phase::Stopped,
        }
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
