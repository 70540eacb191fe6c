//! Which subscriptions have something to do. Each has a waker of its own, so that a record on one
//! of them does not cost a look at all the others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// The ids that were woken, in the order in which they were.
#[derive(Debug, Default)]
pub(super) struct Ready {
    queue: Mutex<VecDeque<Arc<Place>>>,
    task: AtomicWaker,
}

/// One subscription's place in the queue.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Ready {
    /// The task of `cx` is woken when an id is.
    pub(super) fn listen(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }

    /// The id that was woken first.
    pub(super) fn pop(&self) -> Option<u64> {
        let place = self.queue.lock().pop_front()?;
        // Before the subscription is polled: what wakes it meanwhile counts again.
        place.queued.store(false, Ordering::Release);
        Some(place.id)
    }
}

impl Place {
    /// The place of `id`; it is ready.
    pub(super) fn new(ready: &Arc<Ready>, id: u64) -> Arc<Self> {
        let place = Self { id, queued: AtomicBool::new(false), ready: Arc::clone(ready) };
        let place = Arc::new(place);
        place.wake_by_ref();
        place
    }

    /// Wakes the subscription.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Place {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.queue.lock().push_back(Arc::clone(self));
            self.ready.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_queued_once_and_in_turn() {
        let ready = Arc::new(Ready::default());
        let (one, two) = (Place::new(&ready, 1), Place::new(&ready, 2));
        one.waker().wake();
        assert_eq!([ready.pop(), ready.pop(), ready.pop()], [Some(1), Some(2), None]);
        two.waker().wake();
        one.waker().wake_by_ref();
        two.waker().wake();
        assert_eq!([ready.pop(), ready.pop(), ready.pop()], [Some(2), Some(1), None]);
    }
}
