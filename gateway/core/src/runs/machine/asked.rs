//! What callers ask of a session's runs: a successor, a cancellation.

use tidegate_protocol::control;
use tidegate_protocol::link::Cause;

use super::ending::append;
use super::state::{Machine, Phase};
use crate::runs::book::RunStatus;

/// How long a run that was succeeded may take to exit.
const SUCCEED_MS: u64 = 10_000;

/// Answer to a run that asks for a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Succession {
    /// Number of the run that takes over, or that has.
    pub number: u64,
    /// Was it this caller that made it so?
    pub swapped: bool,
}

impl Machine {
    /// Run `number` wants another to take over, because of an upgrade or not. One caller wins.
    pub fn handle_succession(&mut self, number: u64, upgrade: bool, now: u64) -> Succession {
        self.now = now;
        let current = self.book.number;
        let live = self.book.current.is_some() && current == number;
        if !live || self.book.successor.is_some() {
            let number = self.book.successor.unwrap_or(current);
            return Succession { number, swapped: false };
        }
        self.book.successor = Some(current + 1);
        if upgrade {
            self.book.swaps += 1;
        }
        let put = self.book.put();
        self.commit(vec![put]);
        self.phase = Phase::Leaving(now + SUCCEED_MS);
        Succession { number: current + 1, swapped: true }
    }

    /// Somebody cancels run `number`: the turn that runs ends in an error, what waits behind it
    /// goes on in another run. `false` if that run is over.
    pub fn handle_cancel(&mut self, number: u64, now: u64) -> bool {
        self.now = now;
        if self.book.number != number || self.book.current.is_none() {
            return false;
        }
        if self.is_answering() {
            let text = "The run was cancelled.".to_owned();
            self.book.successor = None;
            self.fail_turn(text, Cause::Cancelled, RunStatus::Canceled);
        } else {
            self.book.successor = None;
            self.over(Cause::Cancelled, RunStatus::Canceled, None, Some(Cause::Cancelled));
        }
        true
    }

    /// A run is wanted before anything is owed.
    pub fn handle_wanted(&mut self, now: u64) {
        self.now = now;
        self.advance();
    }

    /// The version that the session is locked to is not there: said once to its readers.
    pub fn handle_missing_version(&mut self) {
        if !self.book.pending {
            self.book.pending = true;
            self.own_record();
            let record = control::record(control::PENDING_VERSION, Vec::new());
            let put = self.book.put();
            self.commit(vec![append(vec![record], false), put]);
        }
    }

    /// The running turn took these messages in.
    pub fn handle_injected(&mut self, ids: Vec<String>) {
        self.injected.extend(ids);
    }

    /// The session is closed by its own run: nothing more is wanted.
    pub fn handle_closed(&mut self) {
        self.book.wanted = false;
        self.leave_queue();
        self.advance();
    }
}
