//! How much may be in flight to one server.

use tidegate_protocol::limits::{REDIS_IN_FLIGHT_MAX, REDIS_IN_FLIGHT_MAX_BYTES};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Permits for commands and for their bytes, in units of 1 KiB.
#[derive(Debug)]
pub(super) struct Gate {
    commands: Semaphore,
    kibibytes: Semaphore,
}

/// Room for one command, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room<'a> {
    _command: SemaphorePermit<'a>,
    _kibibytes: SemaphorePermit<'a>,
}

const ALL_KIBIBYTES: usize = REDIS_IN_FLIGHT_MAX_BYTES / 1024;

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            commands: Semaphore::new(REDIS_IN_FLIGHT_MAX),
            kibibytes: Semaphore::new(ALL_KIBIBYTES),
        }
    }

    /// Waits for room until the deadline. What is larger than all the room gets all of it.
    pub(super) async fn enter(&self, bytes: usize, deadline: Instant) -> Option<Room<'_>> {
        let kibibytes = u32::try_from((bytes / 1024 + 1).min(ALL_KIBIBYTES)).unwrap_or(u32::MAX);
        if let (Ok(command), Ok(kibibytes)) =
            (self.commands.try_acquire(), self.kibibytes.try_acquire_many(kibibytes))
        {
            return Some(Room { _command: command, _kibibytes: kibibytes });
        }
        let room = async {
            let command = self.commands.acquire().await.ok()?;
            let kibibytes = self.kibibytes.acquire_many(kibibytes).await.ok()?;
            Some(Room { _command: command, _kibibytes: kibibytes })
        };
        tokio::time::timeout_at(deadline, room).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn full_means_waiting_until_the_deadline() {
        let gate = Gate::new();
        let now = Instant::now();
        let all = gate.enter(REDIS_IN_FLIGHT_MAX_BYTES * 2, now).await.unwrap();
        assert!(gate.enter(1, now).await.is_none());
        drop(all);
        assert!(gate.enter(1, now).await.is_some());
    }
}
