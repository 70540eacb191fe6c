//! A subscription on one connection, and when to acknowledge what was taken of it.

use std::time::Duration;

use tidegate_protocol::Record;

use super::action::{Key, SharedFeed};

/// How long a small acknowledgement may wait for a larger one. One for each record costs the
/// gateway as much as the record.
const ACK_DELAY: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) key: Key,
    pub(crate) feed: SharedFeed,
    pub(crate) open: bool,
    /// Seq before which everything came on this connection.
    received: u64,
    /// Seq before which everything is acknowledged on it.
    acked: u64,
    /// What the application had taken, in bytes, at the last acknowledgement.
    popped: u64,
    ack_at: Option<Duration>,
}

impl Route {
    pub(crate) fn new(key: Key, feed: SharedFeed) -> Self {
        let popped = feed.lock().popped();
        Self { key, feed, open: false, received: 0, acked: 0, popped, ack_at: None }
    }

    pub(crate) fn handle_records(&mut self, records: Vec<Record>) {
        if let Some(last) = records.last() {
            self.received = last.seq_num + 1;
        }
        self.feed.lock().handle_records(records);
    }

    /// The seq to acknowledge now: only what came on this connection (R-DPX-19).
    pub(crate) fn ack(&mut self, now: Duration) -> Option<u64> {
        let feed = self.feed.lock();
        let due = feed.taken().min(self.received);
        if due <= self.acked {
            self.ack_at = None;
            return None;
        }
        let taken = feed.popped() - self.popped;
        let at = *self.ack_at.get_or_insert(now + ACK_DELAY);
        if taken < feed.window() / 4 && now < at {
            return None;
        }
        self.acked = due;
        self.popped = feed.popped();
        self.ack_at = None;
        Some(due - 1)
    }

    /// When [`Route::ack`] wants to be asked.
    pub(crate) fn ack_at(&self) -> Option<Duration> {
        self.ack_at
    }

    pub(crate) fn in_turn(&self) -> bool {
        self.feed.lock().in_turn()
    }
}
