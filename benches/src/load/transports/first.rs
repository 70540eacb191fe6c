//! How soon a reader has its first record.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::runtime::on_this_thread;
use super::writers::fill;
use crate::load::latency::Latency;
use crate::target::Target;
use crate::transports::{Link, Site, Tally, Tickets, Via};

const NAME: &str = "first";
/// Connections before anything counts; they also bring the first tickets.
const WARM_UP: u32 = 3;
/// A first record that takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FirstPlan {
    /// How often, each way.
    pub tries: u32,
    /// Records of the log; who resumes has half of them.
    pub records: u32,
}

/// What was seen over one transport; all of it one client at a time.
#[derive(Clone, Debug, Serialize)]
pub struct Firsts {
    /// The transport.
    pub via: Via,
    /// A new connection with a full handshake, and a read from the start.
    pub cold_ms: Latency,
    /// A new connection of a client that was there before: with its TLS ticket, and a cursor.
    pub resumed_ms: Latency,
    /// A connection that is open already, and a cursor.
    pub warm_ms: Latency,
}

/// The transports in turns, so that all of them see the same machine.
pub fn firsts(target: &Target, plan: &FirstPlan, vias: &[Via]) -> io::Result<Vec<Firsts>> {
    fill(&target.address, 0, NAME, plan.records)?;
    on_this_thread(run(target, plan, vias))
}

async fn run(target: &Target, plan: &FirstPlan, vias: &[Via]) -> io::Result<Vec<Firsts>> {
    let fresh = Site::new(target, Tickets::Never)?;
    let known = Site::new(target, Tickets::Always)?;
    let half = plan.records / 2;
    let none = || [const { Vec::new() }; 3];
    let mut samples: Vec<_> = vias.iter().map(|via| (*via, none())).collect();
    for turn in 0..WARM_UP + plan.tries {
        for (via, samples) in &mut samples {
            let took = [
                connected(&fresh, *via, 0).await?,
                connected(&known, *via, half).await?,
                warm(&fresh, *via, half).await?,
            ];
            if turn >= WARM_UP {
                samples.iter_mut().zip(took).for_each(|(samples, took)| samples.push(took));
            }
        }
    }
    let figures = samples.into_iter().map(|(via, samples)| {
        let [cold_ms, resumed_ms, warm_ms] = samples.map(Latency::of);
        Firsts { via, cold_ms, resumed_ms, warm_ms }
    });
    Ok(figures.collect())
}

/// From nothing.
async fn connected(site: &Site, via: Via, first: u32) -> io::Result<Duration> {
    let tally = Rc::new(Tally::default());
    let since = Instant::now();
    let link = Link::open(site, via, &tally).await?;
    read_one(link, first, &tally, since).await
}

/// From an open connection.
async fn warm(site: &Site, via: Via, first: u32) -> io::Result<Duration> {
    let tally = Rc::new(Tally::default());
    let mut link = Link::open(site, via, &tally).await?;
    link.warm().await?;
    read_one(link, first, &tally, Instant::now()).await
}

async fn read_one(
    mut link: Link,
    first: u32,
    tally: &Rc<Tally>,
    since: Instant,
) -> io::Result<Duration> {
    link.follow(0, NAME, first).await?;
    let came = tally.until(1, PATIENCE).await?;
    let took = since.elapsed();
    if came { Ok(took) } else { Err(io::Error::other("a first record never came")) }
}
