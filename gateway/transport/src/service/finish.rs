//! Work that is not dropped half-way when its client goes away: a page that closes right after it
//! sent a stop must still have the engine told of it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// Polls the future in place, and leaves it to a task of its own only if it is dropped before its
/// end.
pub(crate) struct ToTheEnd<T: Send + 'static> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T: Send + 'static> ToTheEnd<T> {
    pub(crate) fn of(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Some(Box::pin(future)) }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let future = self.future.as_mut().expect("not polled after its end");
        let result = future.as_mut().poll(cx);
        if result.is_ready() {
            self.future = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        if let (Some(future), Ok(runtime)) = (self.future.take(), Handle::try_current()) {
            runtime.spawn(future);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_dropped_future_ends_all_the_same() {
        let (go, gone) = oneshot::channel::<()>();
        let (done, seen) = oneshot::channel();
        let mut future = Box::pin(ToTheEnd::of(async move {
            gone.await.expect("sent");
            done.send(7).expect("listened to");
        }));
        let pending = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending()));
        assert!(pending.await);
        drop(future);
        go.send(()).expect("listened to");
        assert_eq!(seen.await, Ok(7));
    }

    #[tokio::test]
    async fn what_ended_is_not_run_again() {
        assert_eq!(ToTheEnd::of(async { 3 }).await, 3);
    }
}
