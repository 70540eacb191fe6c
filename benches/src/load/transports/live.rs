//! Paced records, delivered as they come.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep_until;

use super::Way;
use super::readers::Readers;
use super::runtime::on_this_thread;
use super::writers::Writers;
use crate::load::Schedule;
use crate::load::latency::Latency;
use crate::load::usage::{Spent, Usage};
use crate::net::Control;
use crate::target::Target;
use crate::transports::{Pace, Site, Tally, Tickets, Via};

/// Seconds before anything counts.
const WARM_UP: u32 = 1;
/// How long the last records may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LivePlan {
    /// Sessions.
    pub sessions: u32,
    /// Readers of each session.
    pub readers: u32,
    /// Records a second, each session.
    pub rate: u32,
    /// Seconds that count.
    pub seconds: u32,
}

/// The appends alone, which nobody reads.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Quiet {
    /// CPU seconds of the gateway for a million appends.
    pub cpu_s_per_million: f64,
}

/// What was seen over one transport.
#[derive(Clone, Debug, Serialize)]
pub struct Live {
    /// The transport.
    pub way: Way,
    /// Connections of the readers.
    pub connections: usize,
    /// Records delivered to a reader, a second.
    pub delivered_per_second: f64,
    /// From the moment that a record was due to the moment that a reader had found it.
    pub latency_ms: Latency,
    /// Records that a reader never got.
    pub lost: u64,
    /// Records that a reader got again.
    pub duplicated: u64,
    /// Records out of order.
    pub reordered: u64,
    /// CPU seconds of the gateway for a million delivered records, appends included.
    pub cpu_s_per_million: f64,
    /// The same of the generator.
    pub generator_cpu_s_per_million: f64,
    /// Cores that the gateway used.
    pub target_util: f64,
    /// Cores that the generator used.
    pub generator_util: f64,
    /// Bytes that a reader's connection brought for a record.
    pub wire_bytes_per_record: f64,
    /// Bytes of a record's body.
    pub body_bytes: usize,
}

/// Appends without readers, for what they cost.
pub fn quiet(target: &Target, plan: &LivePlan) -> io::Result<Quiet> {
    let plan = LivePlan { readers: 0, ..*plan };
    let any = Way { via: Via::Sse1, reads: 1 };
    let spent = on_this_thread(run(target, &plan, any, "quiet"))?.spent;
    // With nobody to deliver to, what is counted is no record at all.
    let appended = f64::from(plan.sessions * plan.rate * plan.seconds);
    Ok(Quiet { cpu_s_per_million: spent.target_s / appended * 1e6 })
}

/// The load over one transport; `name` is the run's own.
pub fn live(target: &Target, plan: &LivePlan, way: Way, name: &str) -> io::Result<Live> {
    let Seen { connections, spent, bytes, tally } = on_this_thread(run(target, plan, way, name))?;
    let (lost, duplicated, reordered) = tally.faults(plan.rate * (WARM_UP + plan.seconds));
    Ok(Live {
        way,
        connections,
        delivered_per_second: spent.delivered_per_second,
        latency_ms: Latency::of(tally.take_samples()),
        lost,
        duplicated,
        reordered,
        cpu_s_per_million: spent.cpu_s_per_million,
        generator_cpu_s_per_million: spent.generator_cpu_s_per_million,
        target_util: spent.target_util,
        generator_util: spent.generator_util,
        wire_bytes_per_record: bytes as f64 / spent.delivered,
        body_bytes: tally.body_bytes(),
    })
}

struct Seen {
    connections: usize,
    spent: Spent,
    /// Between the two moments of `spent`.
    bytes: u64,
    tally: Rc<Tally>,
}

async fn run(target: &Target, plan: &LivePlan, way: Way, name: &str) -> io::Result<Seen> {
    let mut control = Control::connect(&target.address)?;
    let names: Vec<_> = (0..plan.sessions).map(|session| format!("{name}-{session}")).collect();
    names.iter().try_for_each(|name| control.create(name))?;
    let (site, tally) = (Site::new(target, Tickets::Never)?, Rc::new(Tally::default()));
    let mut readers = Readers::open(&site, way, &names, plan.readers, &tally).await?;
    readers.follow(way, &names).await?;
    let writers = Writers::open(&target.address, &names)?;
    let (start, rounds) = (Instant::now(), plan.rate * (WARM_UP + plan.seconds));
    let schedule = || Schedule::new(start, plan.sessions, plan.rate, rounds);
    tally.pace(Pace { schedule: schedule(), cold: plan.rate * WARM_UP });
    writers.start(schedule())?;
    let warm = start + Duration::from_secs(WARM_UP.into());
    sleep_until(warm.into()).await;
    let (before, bytes) = (Usage::now(target, tally.received())?, readers.received_bytes());
    sleep_until((warm + Duration::from_secs(plan.seconds.into())).into()).await;
    let spent = before.until(&Usage::now(target, tally.received())?);
    let bytes = readers.received_bytes() - bytes;
    let expected = u64::from(rounds) * u64::from(plan.sessions) * u64::from(plan.readers);
    tally.until(expected, PATIENCE).await?;
    // All of it was accepted before it was delivered.
    writers.end()?;
    Ok(Seen { connections: readers.connections(), spent, bytes, tally })
}
