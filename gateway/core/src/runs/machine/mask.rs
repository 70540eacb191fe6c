//! What the live run sees of `.in` (R-RUNS-21, R-HDS-16).

use tidegate_protocol::Record;

use super::owed::{Owed, is_signal};
use super::state::Machine;

impl Machine {
    /// May the live run see this `.in` record?
    pub fn shows(&self, record: &Record) -> bool {
        if self.book.stepped_input() == Some(record.seq_num) {
            return false;
        }
        if is_hand_over(record) {
            // One that nobody waits for would be taken for the next one (R-HDS-5).
            return self.owed.contains_key(&record.seq_num);
        }
        let seen = self.book.current.as_ref().and_then(|run| run.seen);
        Some(record.seq_num) > seen || self.owed.contains_key(&record.seq_num) || !is_signal(record)
    }

    /// Is it a hand-over that has not been read? A run that gets it before could write before it is
    /// known how much was there, and would count as one that did not (R-HDS-7).
    pub fn withholds(&self, record: &Record) -> bool {
        Some(record.seq_num) > self.seen && is_hand_over(record)
    }
}

fn is_hand_over(record: &Record) -> bool {
    Owed::of(record).is_some_and(|owed| owed.is_hand_over())
}
