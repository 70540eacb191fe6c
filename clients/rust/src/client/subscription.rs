//! A stream that is followed.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use parking_lot::Mutex;
use tidegate_protocol::cursor::Start;

use super::error::Error;
use super::event::Event;
use super::follower::Follower;
use super::machine::{Feed, SharedFeed};
use super::mode::Mode;
use super::session::Session;

/// The `.out` of a session, followed until it is dropped. Also a [`Stream`].
pub struct Subscription {
    feed: SharedFeed,
    follower: Arc<Follower>,
}

impl Subscription {
    pub(crate) fn open(session: &Session, start: Start, mode: Mode) -> Self {
        let feed = Arc::new(Mutex::new(Feed::new(start, session.shared.window)));
        let follower = Follower::new(session.clone(), mode, Arc::clone(&feed));
        follower.go(mode);
        Self { feed, follower }
    }

    /// The next event. Cuts are mended without a word; what ends it is an error, and after that
    /// there is nothing. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Goes on over another transport, from the same place. The old one is left when the new one
    /// stands.
    pub fn move_to(&self, mode: Mode) {
        self.follower.go(mode);
    }

    /// The seq of the last record that [`Subscription::next`] gave, if any: the cursor for another
    /// subscription.
    pub fn cursor(&self) -> Option<u64> {
        self.feed.lock().taken().checked_sub(1)
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let mut feed = self.feed.lock();
        let before = feed.popped();
        let event = feed.poll_next(cx);
        let quarter = (feed.window() / 4).max(1);
        let is_due = feed.popped() != before
            && (feed.queued() == 0 || feed.popped() / quarter != before / quarter);
        drop(feed);
        if is_due {
            self.follower.handle_taken();
        }
        event
    }
}

impl Stream for Subscription {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("feed", &self.feed).finish_non_exhaustive()
    }
}
