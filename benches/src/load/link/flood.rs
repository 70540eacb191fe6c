//! Records a second, as many as go through: answers without pauses.

use std::io;
use std::time::Instant;

use serde::Serialize;

use super::answers::Spent;
use super::served::{Served, Through};
use crate::load::talks::{Faults, Talks};
use crate::target::{AGENT, Kind, memory};

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct FloodPlan {
    /// Sessions, all of which are answered at once.
    pub sessions: u32,
    /// Words for each.
    pub words: u32,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Flood {
    /// Sessions.
    pub sessions: u32,
    /// Words of all answers, a record each.
    pub records: u64,
    /// From the first message to the last boundary.
    pub records_per_second: f64,
    /// CPU seconds of the gateway for a million records that were delivered.
    pub cpu_s_per_million: f64,
    /// The same of the worker; 0 without one.
    pub worker_cpu_s_per_million: f64,
    /// Cores that the gateway used.
    pub target_util: f64,
    /// What was not exact.
    pub faults: Faults,
    /// Resident bytes of the gateway at the end.
    pub rss_bytes: u64,
}

/// Runs the load against a fresh target of `kind`.
pub fn flood(kind: &Kind, through: Through, plan: FloodPlan) -> io::Result<Flood> {
    let served = Served::start(kind, through)?;
    let mut talks = Talks::new(&served.target.address, AGENT)?;
    for _ in 0..plan.sessions {
        talks.open()?;
    }
    // One turn each, so that nothing below is the first of its kind.
    talks.all_answered(1)?;
    let (before, since) = (Spent::now(&served)?, Instant::now());
    let records = talks.all_answered(plan.words)?;
    let seconds = since.elapsed().as_secs_f64();
    let after = Spent::now(&served)?;
    let gateway = (after.gateway - before.gateway).as_secs_f64();
    let worker = (after.worker - before.worker).as_secs_f64();
    Ok(Flood {
        sessions: plan.sessions,
        records,
        records_per_second: records as f64 / seconds,
        cpu_s_per_million: gateway / records as f64 * 1e6,
        worker_cpu_s_per_million: worker / records as f64 * 1e6,
        target_util: gateway / seconds,
        faults: talks.faults,
        rss_bytes: memory(served.target.pid())?.rss,
    })
}
