//! What happens next, and how a history comes to its end.

use tidegate_core::runs::book::Current;
use tidegate_core::runs::machine::head_start::OutState;
use tidegate_protocol::Record;
use tidegate_protocol::limits::{RUN_ATTEMPTS_MAX, UPGRADE_SWAPS_MAX};
use tidegate_protocol::link::Cause;

use super::world::World;

impl World {
    /// Something happens.
    pub(crate) fn step(&mut self) {
        self.now += 1 + self.rng.below(150);
        if self.steps.offered && self.rng.one_in(4) {
            self.steps.drains |= self.rng.one_in(60);
            self.hear_warm();
            return self.tick();
        }
        match self.rng.below(if self.has_guests { 30 } else { 24 }) {
            0..=2 => self.append_any(),
            3..=6 => {
                self.read_inputs();
            }
            7 if self.rng.one_in(6) => self.crash(),
            8 if self.rng.one_in(3) => self.lose(),
            9 => self.cancel(),
            10 => self.evict(),
            11 if self.rng.one_in(8) => self.wait_long(),
            12 => self.hear_zombie(),
            13 | 14 => self.place(),
            15 => self.come_back(),
            16..=19 => self.hear(),
            24 => self.open(),
            25..=28 => self.hear_guest(),
            _ => self.live(),
        }
        self.tick();
    }

    /// Said before whatever may end a turn.
    pub(crate) fn note_out(&mut self) {
        let tail = self.disk.out.len() as u64;
        let erred = self.disk.out.last().is_some_and(is_error);
        let out = OutState { tail, written_at: self.wrote_at, erred };
        self.machine.note_out(out);
    }

    fn live(&mut self) {
        if let Some(run) = &mut self.work {
            run.step(&mut self.rng, self.calm);
        }
    }

    pub(crate) fn place(&mut self) {
        let is_full = self.steps.crowded && !self.calm && !self.rng.one_in(12);
        if !is_full && std::mem::take(&mut self.placing) {
            self.slot = true;
            self.machine.handle_placed(self.now);
            self.perform();
        }
    }

    /// A worker has its run still and asks whether it may go on.
    fn come_back(&mut self) {
        let Some(mut run) = self.orphan.take() else { return };
        let of_run = |current: &Current| current.fence == run.fence;
        let current = self.machine.book().current.as_ref().is_some_and(of_run);
        if !current || self.work.is_some() {
            return self.zombies.push(run);
        }
        // What was on its way to it is lost with the connection.
        run.inbox.clear();
        self.delivered = run.seen();
        run.sent = run.seen();
        let (parked, seen) = (run.is_parked(), run.seen());
        self.work = Some(run);
        self.machine.handle_adopted(parked, seen, self.now);
        self.perform();
    }

    fn lose(&mut self) {
        if let Some(run) = &self.work {
            let cause = if run.is_hung() { Cause::WorkerSilent } else { Cause::WorkerLost };
            self.note_out();
            self.machine.handle_lost(cause, self.now);
            self.perform();
        }
    }

    /// Somebody cancels the newest run, or one before.
    fn cancel(&mut self) {
        if self.rng.one_in(4) && self.read_inputs() {
            let number = self.machine.book().number.saturating_sub(self.rng.below(2));
            self.machine.handle_cancel(number, self.now);
            self.perform();
        }
    }

    fn evict(&mut self) {
        self.machine.handle_evict(self.now);
        self.perform();
    }

    fn wait_long(&mut self) {
        self.now = self.machine.poll_timeout().unwrap_or(0).max(self.now);
    }

    pub(crate) fn tick(&mut self) {
        let shown = self.disk.out.len() > self.out_at_boot;
        if self.machine.awaits_activity() && self.machine.is_live() && shown {
            self.machine.handle_activity(self.now);
        }
        if self.machine.poll_timeout().is_some_and(|at| at <= self.now) {
            self.note_out();
            self.machine.handle_timeout(self.now);
        }
        self.perform();
    }

    /// Nothing goes wrong any more, but what agents do every time: everything comes to its end,
    /// within the budget (I7).
    pub(crate) fn settle(&mut self) {
        self.calm = true;
        let answers = self.disk.open().count() as u64;
        let most = self.boots + (answers + 4) * u64::from(RUN_ATTEMPTS_MAX + UPGRADE_SWAPS_MAX);
        for _ in 0..20_000 {
            self.now += 100;
            self.read_inputs();
            self.come_back();
            self.place();
            self.live();
            self.hear();
            self.hear_zombie();
            self.hear_guest();
            self.hear_warm();
            self.tick();
            assert!(self.boots <= most, "runs without end");
            let alone = self.zombies.is_empty() && self.guests.is_empty();
            if self.machine.is_idle() && self.has_read_all() && alone {
                return self.check_rest();
            }
            self.leave();
        }
        panic!("does not come to an end: {:?}", self.machine);
    }

    /// A run with nothing to do makes room.
    fn leave(&mut self) {
        let rests = self.work.as_ref().is_some_and(|run| run.rests());
        if rests && self.has_read_all() && !self.machine.is_answering() {
            let hung = self.work.as_ref().is_some_and(|run| !run.is_parked());
            if hung { self.lose() } else { self.evict() }
        }
    }

    fn has_read_all(&self) -> bool {
        self.machine.seen().map_or(0, |seq| seq + 1) == self.disk.input.len() as u64
    }

    fn check_rest(&self) {
        assert!(self.work.is_none() && !self.placing, "idle with a run");
        assert!(self.steps.warm.is_none(), "a first step has no end");
        assert!(self.book().current.is_none(), "the book names a run that is over");
        assert!(!self.book().wanted && !self.book().initial, "a run is wanted and none comes");
        assert!(self.book().head_start.is_none(), "a head start has no end");
    }
}

pub(crate) fn is_error(record: &Record) -> bool {
    record.body.windows(7).any(|found| found == b"\"error\"")
}
