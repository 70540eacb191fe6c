//! What the readers of a run have seen.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::load::{Check, Schedule};
use crate::net::Record;

/// When records were due.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Moment of each record.
    pub(crate) schedule: Schedule,
    /// Records of each session before any counts.
    pub(crate) cold: u32,
}

/// Shared by everything that reads.
#[derive(Default)]
pub struct Tally {
    readers: RefCell<Vec<(u32, Check)>>,
    received: Cell<u64>,
    body_bytes: Cell<usize>,
    pace: RefCell<Option<Pace>>,
    samples: RefCell<Vec<Duration>>,
    failed: RefCell<Option<String>>,
    changed: Notify,
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("received", &self.received).finish_non_exhaustive()
    }
}

impl Tally {
    /// From now on every record is timed.
    pub(crate) fn pace(&self, pace: Pace) {
        *self.pace.borrow_mut() = Some(pace);
    }

    /// Another reader of a session, which begins at a record; its place.
    pub fn join(&self, session: u32, first: u32) -> usize {
        let mut readers = self.readers.borrow_mut();
        readers.push((session, Check::from(first)));
        readers.len() - 1
    }

    /// A reader got a record.
    pub fn see(&self, reader: usize, record: &Record<'_>) {
        let mut readers = self.readers.borrow_mut();
        let (session, check) = &mut readers[reader];
        let Some(marker) = record.marker.filter(|marker| marker.session == *session) else {
            return;
        };
        check.see(record.seq, marker.index);
        self.received.set(self.received.get() + 1);
        if self.body_bytes.get() == 0 {
            self.body_bytes.set(body_bytes(record.rest));
        }
        if let Some(pace) = &*self.pace.borrow()
            && marker.index >= pace.cold
        {
            let due = pace.schedule.due(marker.session, marker.index);
            self.samples.borrow_mut().push(due.elapsed());
        }
        self.changed.notify_one();
    }

    /// Nothing that follows counts.
    pub fn fail(&self, error: &io::Error) {
        self.failed.borrow_mut().get_or_insert_with(|| error.to_string());
        self.changed.notify_one();
    }

    /// Records of all readers so far.
    pub fn received(&self) -> u64 {
        self.received.get()
    }

    /// Bytes of the body of the first record, as it was appended to the log.
    pub fn body_bytes(&self) -> usize {
        self.body_bytes.get()
    }

    /// Delays of what was timed.
    pub fn take_samples(&self) -> Vec<Duration> {
        self.samples.take()
    }

    /// Waits for so many records, not for ever; did they come?
    pub async fn until(&self, records: u64, patience: Duration) -> io::Result<bool> {
        let wait = async {
            while self.received.get() < records && self.failed.borrow().is_none() {
                self.changed.notified().await;
            }
        };
        // What is missing shows in the counts.
        let _ = timeout(patience, wait).await;
        match &*self.failed.borrow() {
            Some(error) => Err(io::Error::other(error.clone())),
            None => Ok(self.received.get() >= records),
        }
    }

    /// Lost, duplicated and reordered records, where each session was sent `sent`.
    pub fn faults(&self, sent: u32) -> (u64, u64, u64) {
        let readers = self.readers.borrow();
        readers.iter().fold((0, 0, 0), |(lost, duplicated, reordered), (_, check)| {
            let (more_lost, more) = (check.lost(sent), check.duplicated);
            (lost + more_lost, duplicated + more, reordered + check.reordered)
        })
    }
}

/// The body of a record, without the escapes of the JSON around it.
fn body_bytes(record: &[u8]) -> usize {
    const KEY: &[u8] = b"\"body\":";
    let at = memchr::memmem::find(record, KEY).map(|at| at + KEY.len());
    let text = at.and_then(|at| {
        serde_json::Deserializer::from_slice(&record[at..]).into_iter::<String>().next()
    });
    text.and_then(Result::ok).map_or(0, |body| body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_measured_without_its_escapes() {
        assert_eq!(body_bytes(br#"1,"timestamp":2,"body":"{\"a\":1}","headers":[]}"#), 7);
        assert_eq!(body_bytes(b"1}"), 0);
    }
}
