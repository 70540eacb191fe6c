//! How long a backend may take.

use std::time::Duration;

use serde::Deserialize;

use super::ConfigError;

/// The `timeouts` table of an agent. All in milliseconds, all above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// For each connection, TLS included.
    pub connect_ms: u64,
    /// From the call to the first byte of the answer's body, retries included.
    pub first_byte_ms: u64,
    /// Between two bytes of the answer.
    pub idle_ms: u64,
    /// For the whole answer.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 120_000, idle_ms: 120_000, total_ms: 900_000 }
    }
}

impl Timeouts {
    /// Refuses 0, which would fail every call.
    pub(crate) fn check(&self, agent: &str) -> Result<(), ConfigError> {
        let all = [
            ("timeouts.connect_ms", self.connect_ms),
            ("timeouts.first_byte_ms", self.first_byte_ms),
            ("timeouts.idle_ms", self.idle_ms),
            ("timeouts.total_ms", self.total_ms),
        ];
        match all.into_iter().find(|(_, ms)| *ms == 0) {
            Some((key, _)) => Err(ConfigError::value(agent, key, "must be above 0")),
            None => Ok(()),
        }
    }

    pub(crate) fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    pub(crate) fn first_byte(&self) -> Duration {
        Duration::from_millis(self.first_byte_ms)
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    pub(crate) fn total(&self) -> Duration {
        Duration::from_millis(self.total_ms)
    }
}
