//! What both processes have used, and what that is for a record.

use std::io;
use std::time::{Duration, Instant};

use crate::target::{Target, cpu};

/// At a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    at: Instant,
    target: Duration,
    generator: Duration,
    received: u64,
}

/// Between two moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) seconds: f64,
    /// Records.
    pub(super) delivered: f64,
    /// CPU seconds.
    pub(super) target_s: f64,
    pub(super) generator_s: f64,
    pub(super) delivered_per_second: f64,
    pub(super) cpu_s_per_million: f64,
    pub(super) generator_cpu_s_per_million: f64,
    pub(super) target_util: f64,
    pub(super) generator_util: f64,
}

impl Usage {
    /// Now, after `received` records.
    pub(super) fn now(target: &Target, received: u64) -> io::Result<Self> {
        Self::of(&[target.pid()], received)
    }

    /// The same of several processes together.
    pub(super) fn of(pids: &[u32], received: u64) -> io::Result<Self> {
        let mut target = Duration::ZERO;
        for pid in pids {
            target += cpu(*pid)?;
        }
        let generator = cpu(std::process::id())?;
        Ok(Self { at: Instant::now(), target, generator, received })
    }

    /// From this moment to a later one.
    pub(super) fn until(&self, later: &Self) -> Spent {
        let seconds = (later.at - self.at).as_secs_f64();
        let delivered = (later.received - self.received) as f64;
        let target = (later.target - self.target).as_secs_f64();
        let generator = (later.generator - self.generator).as_secs_f64();
        Spent {
            seconds,
            delivered,
            target_s: target,
            generator_s: generator,
            delivered_per_second: delivered / seconds,
            cpu_s_per_million: target / delivered * 1e6,
            generator_cpu_s_per_million: generator / delivered * 1e6,
            target_util: target / seconds,
            generator_util: generator / seconds,
        }
    }
}
