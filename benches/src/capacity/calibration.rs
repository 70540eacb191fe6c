//! What the model knows of one machine.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/calibration.json");

/// Time between two writes: the gateway's least (`REDIS_WRITE_INTERVAL_MS`), and as much again
/// since its timers go off at the next full millisecond.
const WRITE_INTERVAL_S: f64 = 0.002;

/// Measured constants, and where they come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The machine.
    pub machine: String,
    /// The day.
    pub date: String,
    /// What measures it again.
    pub command: String,
    /// The constants.
    pub constants: Constants,
}

/// Constants of a gateway and of Redis: CPU in microseconds of one core, memory in bytes. Records
/// are text deltas of 120 bytes, appended one by one over HTTP/1.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Constants {
    /// Gateway, for an append, beside its share of a write to Redis.
    pub gateway_us_per_append: f64,
    /// Gateway, for a write to Redis, which calls that come soon after another share: its wake-ups
    /// and system calls, and what it costs that they come alone.
    pub gateway_us_per_write: f64,
    /// Gateway, for a record that a reader gets.
    pub gateway_us_per_delivery: f64,
    /// Gateway, for a batch that came in elsewhere and that it has readers for: as so many appends.
    pub gateway_appends_per_fetch: f64,
    /// Gateway, for a stream with a waiting reader, each second.
    pub gateway_us_per_watch_s: f64,
    /// Gateway that does nothing, each second.
    pub gateway_us_idle_s: f64,
    /// Gateway, for each other gateway, each second.
    pub gateway_us_per_member_s: f64,
    /// Redis, for an append, beside its share of a write of the gateway.
    pub redis_us_per_append: f64,
    /// Redis, for a write of a gateway.
    pub redis_us_per_write: f64,
    /// Redis, for a batch that another gateway fetches: as so many appends.
    pub redis_appends_per_fetch: f64,
    /// Redis, for a stream that a gateway watches, each second.
    pub redis_us_per_watch_s: f64,
    /// Redis, for each gateway, each second.
    pub redis_us_per_gateway_s: f64,
    /// Redis, for each pair of gateways, each second.
    pub redis_us_per_pair_s: f64,
    /// A gateway that just started.
    pub gateway_bytes: f64,
    /// Gateway, for a session that was made or used there lately.
    pub gateway_bytes_per_session: f64,
    /// Gateway, for an open SSE read.
    pub gateway_bytes_per_reader: f64,
    /// Redis, for a session without records.
    pub redis_bytes_per_session: f64,
    /// Redis, for a stored record.
    pub redis_bytes_per_record: f64,
    /// Network, from a gateway to a reader, for a record.
    pub wire_bytes_per_delivery: f64,
    /// Network, to and from Redis, for an append.
    pub redis_wire_bytes_per_append: f64,
    /// Network, to and from Redis, for a batch that is fetched.
    pub redis_wire_bytes_per_fetch: f64,
}

impl Constants {
    /// With writes counted to the appends that share them, where a gateway makes so many calls a
    /// second.
    pub(super) fn at(mut self, calls_s: f64) -> Self {
        let writes = 1.0 / calls_of_a_write(calls_s);
        self.gateway_us_per_append += self.gateway_us_per_write * writes;
        self.redis_us_per_append += self.redis_us_per_write * writes;
        self
    }
}

/// Calls of a gateway that share a write to Redis, on average.
pub(super) fn calls_of_a_write(calls_s: f64) -> f64 {
    (calls_s * WRITE_INTERVAL_S).max(1.0)
}

impl Calibration {
    /// From a file, or from that of the sources.
    pub fn load(path: Option<&Path>) -> io::Result<Self> {
        let path = path.unwrap_or(Path::new(FILE));
        let named = |error| io::Error::other(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(named)?;
        serde_json::from_str(&text).map_err(|error| named(error.into()))
    }

    /// Into that of the sources.
    pub fn save(&self) -> io::Result<()> {
        fs::write(FILE, format!("{}\n", serde_json::to_string_pretty(self)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_of_the_sources_can_be_read() {
        let calibration = Calibration::load(None).expect("a file");
        assert!(calibration.constants.redis_us_per_append > 0.0, "{calibration:?}");
    }
}
