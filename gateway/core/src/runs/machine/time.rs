//! What happens because time passes: back-offs, runs that do not boot, leave or speak.

use tidegate_protocol::control;
use tidegate_protocol::limits::{PRELOAD_IDLE_MS, RUN_BOOT_TIMEOUT_MS, TURN_KEEP_ALIVE_MS};
use tidegate_protocol::link::Cause;

use super::ending::append;
use super::state::{Effect, Machine, Phase};
use crate::runs::book::RunStatus;

impl Machine {
    /// A time that [`Machine::poll_timeout`] named has come, and [`Machine::note_out`] was called.
    pub fn handle_timeout(&mut self, now: u64) {
        self.now = now;
        self.heard_at = self.heard_at.max(self.out.written_at.min(now));
        self.kept_alive_at = self.kept_alive_at.max(self.heard_at);
        match self.phase {
            Phase::Waiting(at) if at <= now => {
                self.phase = Phase::Placing;
                self.effects.push_back(Effect::Place);
            }
            Phase::Booting(since) if since + RUN_BOOT_TIMEOUT_MS <= now => {
                let text = "the agent did not say that it is ready".to_owned();
                self.over(
                    Cause::WorkerSilent,
                    RunStatus::Crashed,
                    Some(text),
                    Some(Cause::WorkerSilent),
                );
            }
            Phase::Leaving(at) if at <= now => {
                let cause =
                    if self.book.successor.is_some() { Cause::Upgraded } else { Cause::Evicted };
                self.over(cause, RunStatus::Completed, None, Some(cause));
            }
            Phase::Orphaned(at) if at <= now => {
                let cause = Cause::GatewayRestarted;
                let text = "the gateway was restarted".to_owned();
                self.over(cause, RunStatus::Crashed, Some(text), None);
            }
            Phase::Live => self.watch(),
            _ => {}
        }
        self.watch_head_start();
        if self.preload_until().is_some_and(|at| at <= now) {
            self.handle_evict(now);
        }
        self.keep_alive();
        self.advance();
    }

    /// Looks after a live run: parked on an answer that it owes, or silent for too long.
    pub(super) fn watch(&mut self) {
        if self.stuck_at.is_some_and(|at| at <= self.now) {
            let text = "The answer could not be delivered.".to_owned();
            return self.fail_turn(text, Cause::Cancelled, RunStatus::Failed);
        }
        let silent = self.heard_at + self.limits.idle_ms <= self.now;
        if self.is_working() && silent {
            let text =
                format!("Nothing came from the agent for {} s.", self.limits.idle_ms / 1_000);
            self.fail_turn(text, Cause::Cancelled, RunStatus::Crashed);
        }
    }

    /// When a run that was only preloaded, and waits, makes room (R-HDS-20).
    fn preload_until(&self) -> Option<u64> {
        let run = self.book.current.as_ref()?;
        let waits = self.phase == Phase::Live && self.parked.is_some();
        (run.preloaded && waits && !self.is_answering()).then_some(run.began_at + PRELOAD_IDLE_MS)
    }

    /// Is it the run's turn to say something? While it waits for a hand-over, others are watched.
    fn is_working(&self) -> bool {
        self.is_answering() && self.parked.is_none() && !self.awaits_hand_over()
    }

    /// A running turn never falls silent for its readers (trap 5).
    pub(super) fn keep_alive(&mut self) {
        if self.is_answering() && self.kept_alive_at + TURN_KEEP_ALIVE_MS <= self.now {
            self.kept_alive_at = self.now;
            self.own_record();
            let put = self.book.head_start.is_some().then(|| self.book.put());
            let alive = append(vec![control::keep_alive()], false);
            self.commit(std::iter::once(alive).chain(put).collect());
        }
    }

    /// When [`Machine::handle_timeout`] wants to be called, Unix ms.
    pub fn poll_timeout(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Waiting(at) | Phase::Leaving(at) | Phase::Orphaned(at) => Some(at),
            Phase::Booting(since) => Some(since + RUN_BOOT_TIMEOUT_MS),
            Phase::Live => {
                let silent = self.is_working().then(|| self.heard_at + self.limits.idle_ms);
                silent.into_iter().chain(self.stuck_at).min()
            }
            Phase::Idle | Phase::Placing | Phase::Fencing => None,
        };
        let keep_alive = self.is_answering().then(|| self.kept_alive_at + TURN_KEEP_ALIVE_MS);
        phase
            .into_iter()
            .chain(keep_alive)
            .chain(self.head_start_until())
            .chain(self.preload_until())
            .min()
    }
}
