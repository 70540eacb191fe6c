//! Appends to one session happen in the order in which they came (R-DPX-14); those to others do not
//! wait for them.

use std::collections::HashMap;

use tokio::sync::oneshot;

/// Each session's last append that is under way.
#[derive(Debug, Default)]
pub(super) struct Order(HashMap<String, (u64, oneshot::Receiver<()>)>);

/// A place in the order. The next one's turn comes when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _after: oneshot::Sender<()>,
}

impl Order {
    /// The request `id` wants to append to `session`.
    pub(super) fn join(&mut self, session: &str, id: u64) -> Turn {
        let (after, ended) = oneshot::channel();
        let before = self.0.insert(session.to_owned(), (id, ended)).map(|(_, before)| before);
        Turn { before, _after: after }
    }

    /// The request `id` has its answer.
    pub(super) fn leave(&mut self, session: &str, id: u64) {
        if self.0.get(session).is_some_and(|(last, _)| *last == id) {
            self.0.remove(session);
        }
    }
}

impl Turn {
    /// Waits until everything before it has happened, or failed.
    pub(super) async fn come(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = before.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn one_after_the_other() {
        let mut order = Order::default();
        let (mut one, mut two) = (order.join("a", 1), order.join("a", 2));
        let mut other = order.join("b", 3);
        one.come().await;
        other.come().await;
        assert!(two.come().now_or_never().is_none());
        order.leave("a", 1);
        order.leave("b", 3);
        // What was waited for is taken, so that a third one waits for the second.
        let mut three = order.join("a", 4);
        drop(one);
        assert!(three.come().now_or_never().is_none());
        drop(two);
        three.come().now_or_never();
        order.leave("a", 4);
        assert!(order.0.is_empty());
    }
}
