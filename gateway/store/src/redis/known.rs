//! Highest tails that this process saw: a server whose tail is lower lost data (I1).

use parking_lot::Mutex;
use tidegate_protocol::ids::StreamId;

use super::kept::Kept;

/// Streams remembered.
const STREAMS_MAX: usize = 200_000;

/// Highest tails seen, of the streams that were used last.
#[derive(Debug)]
pub(super) struct Known(Mutex<Kept<StreamId, u64>>);

impl Known {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Kept::new(STREAMS_MAX)))
    }

    /// Its tail was `tail` or beyond.
    pub(super) fn see(&self, stream: &StreamId, tail: u64) {
        let mut tails = self.0.lock();
        if tails.get(stream).is_none_or(|known| known < tail) {
            tails.put(stream.clone(), tail, 1);
        }
    }

    /// The highest tail seen; 0 if none.
    pub(super) fn tail(&self, stream: &StreamId) -> u64 {
        self.0.lock().get(stream).unwrap_or(0)
    }
}
