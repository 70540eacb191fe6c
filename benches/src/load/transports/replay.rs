//! A long log, read from its start as fast as it comes.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use super::Way;
use super::readers::Readers;
use super::runtime::on_this_thread;
use super::writers::fill;
use crate::load::usage::{Spent, Usage};
use crate::target::Target;
use crate::transports::{Site, Tally, Tickets};

/// How long one round may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ReplayPlan {
    /// Sessions, one reader each, all at once.
    pub sessions: u32,
    /// Records of each session.
    pub records: u32,
    /// How often.
    pub rounds: u32,
}

/// What was seen over one transport: sums over the rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// The transport.
    pub way: Way,
    /// Connections of a round.
    pub connections: usize,
    /// Delivered records a second, from the first request to the last record.
    pub delivered_per_second: f64,
    /// CPU seconds of the gateway for a million delivered records.
    pub cpu_s_per_million: f64,
    /// The same of the generator.
    pub generator_cpu_s_per_million: f64,
    /// Bytes that the connections brought for a record.
    pub wire_bytes_per_record: f64,
    /// Bytes of a record's body.
    pub body_bytes: usize,
    /// Records that were lost, came again, or out of order.
    pub faults: u64,
}

/// Makes the sessions, once for all transports.
pub fn fill_log(target: &Target, plan: &ReplayPlan) -> io::Result<()> {
    for (session, name) in (0..).zip(names(plan)) {
        fill(&target.address, session, &name, plan.records)?;
    }
    Ok(())
}

/// Reads them over one transport.
pub fn replay(target: &Target, plan: &ReplayPlan, way: Way) -> io::Result<Replay> {
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        rounds.push(on_this_thread(round(target, plan, way))?);
    }
    let sum = |figure: fn(&Round) -> f64| rounds.iter().map(figure).sum::<f64>();
    let delivered = sum(|round| round.spent.delivered);
    let last = rounds.last().ok_or_else(|| io::Error::other("no round"))?;
    Ok(Replay {
        way,
        connections: last.connections,
        delivered_per_second: delivered / sum(|round| round.spent.seconds),
        cpu_s_per_million: sum(|round| round.spent.target_s) / delivered * 1e6,
        generator_cpu_s_per_million: sum(|round| round.spent.generator_s) / delivered * 1e6,
        wire_bytes_per_record: sum(|round| round.bytes) / delivered,
        body_bytes: last.body_bytes,
        faults: rounds.iter().map(|round| round.faults).sum(),
    })
}

struct Round {
    connections: usize,
    spent: Spent,
    bytes: f64,
    body_bytes: usize,
    faults: u64,
}

async fn round(target: &Target, plan: &ReplayPlan, way: Way) -> io::Result<Round> {
    let names: Vec<_> = names(plan).collect();
    let (site, tally) = (Site::new(target, Tickets::Never)?, Rc::new(Tally::default()));
    // Handshakes are another figure.
    let mut readers = Readers::open(&site, way, &names, 1, &tally).await?;
    let (before, bytes) = (Usage::now(target, 0)?, readers.received_bytes());
    readers.follow(way, &names).await?;
    tally.until(u64::from(plan.sessions) * u64::from(plan.records), PATIENCE).await?;
    let spent = before.until(&Usage::now(target, tally.received())?);
    let (lost, duplicated, reordered) = tally.faults(plan.records);
    Ok(Round {
        connections: readers.connections(),
        spent,
        bytes: (readers.received_bytes() - bytes) as f64,
        body_bytes: tally.body_bytes(),
        faults: lost + duplicated + reordered,
    })
}

fn names(plan: &ReplayPlan) -> impl Iterator<Item = String> {
    (0..plan.sessions).map(|session| format!("replay-{session}"))
}
