//! Idle connections to one backend.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;

/// Idle connections that are kept.
const IDLE_MAX: usize = 32;

/// Nothing drives an idle connection: that it was closed shows when it is taken.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    until: Instant,
}

impl Pool {
    /// The connection that was used last and is still open.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let now = Instant::now();
                idle.retain(|idle| idle.until > now);
                idle.pop()?.connection
            };
            if connection.is_kept() {
                return Some(connection);
            }
        }
    }

    /// Is there a connection to take?
    pub(super) fn has_open(&self) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain_mut(|idle| idle.until > now && idle.connection.is_kept());
        !idle.is_empty()
    }

    /// Keeps a connection for `time`.
    pub(super) fn put(&self, connection: Connection, time: Duration) {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.until > now);
        if idle.len() < IDLE_MAX {
            idle.push(Idle { connection, until: now + time });
        }
    }
}
