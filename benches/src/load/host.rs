//! Unmodified agent files in the host: how soon a chat answers, and what it holds.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::latency::Latency;
use super::talks::Talks;
use crate::target::{Backend, Host, HostSetup, Kind, Target, memory};

/// For a spare isolate to be ready, and for what a turn leaves behind to be let go.
const SETTLE: Duration = Duration::from_secs(3);
/// Turns of a chat in the warm figure; the first does not count.
const TURNS: u32 = 20;

/// What to do.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// What to start; the spares are the run's own.
    pub setup: HostSetup,
    /// Id of the agent that is asked.
    pub agent: String,
    /// New chats in each of the cold figures.
    pub rounds: u32,
    /// Numbers of live chats at which memory is measured, rising.
    pub chats: Vec<u32>,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Hosted {
    /// From the message to the first delta in a chat that is live, one at a time.
    pub warm_ms: Latency,
    /// From making a chat to the first delta, when a spare isolate is ready.
    pub cold_with_spare_ms: Latency,
    /// The same when none is.
    pub cold_ms: Latency,
    /// Resident bytes of the host with one live chat.
    pub rss_bytes: u64,
    /// Live chats and bytes for each, as growth of the resident set over that.
    pub bytes_per_chat: Vec<(u32, f64)>,
}

/// Runs the load against fresh targets of `kind`.
pub fn hosted(kind: &Kind, plan: &HostPlan) -> io::Result<Hosted> {
    let (cold_with_spare_ms, warm_ms) = with_spare(kind, plan)?;
    let target = Target::start(kind, &Backend::Link)?;
    let setup = HostSetup { spares: 0, ..plan.setup.clone() };
    let host = Host::start(&setup, &target.address)?;
    let mut talks = Talks::new(&target.address, &plan.agent)?;
    // The isolate that read the files is kept for the first chat.
    new_chat(&mut talks)?;
    let rss = || {
        std::thread::park_timeout(SETTLE);
        memory(host.pid()).map(|memory| memory.rss)
    };
    let (one, mut live) = (rss()?, 1);
    let (mut cold, mut bytes_per_chat) = (Vec::new(), Vec::new());
    for chats in &plan.chats {
        while live < *chats {
            cold.push(new_chat(&mut talks)?);
            live += 1;
        }
        let bytes = rss()?.saturating_sub(one) as f64 / f64::from(live.saturating_sub(1).max(1));
        bytes_per_chat.push((live, bytes));
    }
    while cold.len() < plan.rounds as usize {
        cold.push(new_chat(&mut talks)?);
    }
    let cold_ms = Latency::of(cold);
    Ok(Hosted { warm_ms, cold_with_spare_ms, cold_ms, rss_bytes: one, bytes_per_chat })
}

/// New chats with a spare isolate, and then their later turns.
fn with_spare(kind: &Kind, plan: &HostPlan) -> io::Result<(Latency, Latency)> {
    let target = Target::start(kind, &Backend::Link)?;
    let setup = HostSetup { spares: 1, ..plan.setup.clone() };
    let _host = Host::start(&setup, &target.address)?;
    let mut talks = Talks::new(&target.address, &plan.agent)?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        std::thread::park_timeout(SETTLE);
        cold.push(new_chat(&mut talks)?);
    }
    for _ in 1..TURNS {
        for talk in 0..plan.rounds as usize {
            talks.ask(talk, "Tell me more.")?;
            warm.push(talks.answered()?);
        }
    }
    Ok((Latency::of(cold), Latency::of(warm)))
}

/// A new chat's first answer, from making the chat on.
fn new_chat(talks: &mut Talks) -> io::Result<Duration> {
    let since = Instant::now();
    let talk = talks.open()?;
    let before = since.elapsed();
    talks.ask(talk, "Tell me more.")?;
    Ok(before + talks.answered()?)
}
