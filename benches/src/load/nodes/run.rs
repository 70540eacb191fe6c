//! One paced load on gateways that share a Redis.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::harm::Cutter;
use super::waiting::{redis_cpu, used_memory};
use super::{Counts, Harm, Stage};
use crate::load::{Paced, Plan, paced_at};

/// Where readers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ReadersAt {
    /// At the only gateway.
    Alone,
    /// At the gateway that is appended to, of two.
    Same,
    /// At the other one.
    Other,
}

/// What to do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NodesPlan {
    /// How much.
    pub load: Plan,
    /// Where it is read.
    pub readers_at: ReadersAt,
    /// What goes wrong.
    pub harm: Harm,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Nodes {
    /// What was done.
    pub plan: NodesPlan,
    /// Delivery; its CPU figures are of the gateways and Redis together.
    pub paced: Paced,
    /// What Redis did while it counted.
    pub counts: Counts,
    /// CPU seconds of the gateways for a million delivered records.
    pub gateways_cpu_s_per_million: f64,
    /// CPU seconds of Redis for a million delivered records.
    pub redis_cpu_s_per_million: f64,
    /// Bytes that Redis holds for an appended batch.
    pub redis_bytes_per_entry: f64,
    /// CPU seconds of the gateways while it counted.
    pub gateways_cpu_s: f64,
    /// CPU seconds of Redis.
    pub redis_cpu_s: f64,
    /// Records delivered while it counted.
    pub delivered: u64,
}

/// Starts everything afresh and runs the load.
pub fn nodes(binary: &Path, plan: NodesPlan) -> io::Result<Nodes> {
    let stage = Stage::start(binary, plan.readers_at == ReadersAt::Alone)?;
    let mut redis = stage.redis.connect()?;
    if plan.harm == Harm::Forbidden {
        stage.redis.forbid_subscriptions()?;
    }
    let _cutter = (plan.harm == Harm::Cut).then(|| Cutter::start(&stage.redis)).transpose()?;
    let mut marks = Vec::new();
    let paced = paced_at(&stage.site(plan.readers_at), &plan.load, |received| {
        let spent = (stage.gateways_cpu()?, redis_cpu(&mut redis)?);
        marks.push((Counts::now(&mut redis)?, used_memory(&mut redis)?, spent, received));
        Ok(())
    })?;
    let [(before, held, spent, received), (after, held_after, spent_after, received_after)] =
        marks[..]
    else {
        return Err(io::Error::other("the run ended before it was measured"));
    };
    let delivered = received_after - received;
    let gateways_cpu_s = (spent_after.0 - spent.0).as_secs_f64();
    let redis_cpu_s = spent_after.1 - spent.1;
    let per_million = |seconds: f64| seconds / delivered.max(1) as f64 * 1e6;
    Ok(Nodes {
        plan,
        paced,
        redis_bytes_per_entry: (held_after - held) / (after - before).entries.max(1) as f64,
        counts: after - before,
        gateways_cpu_s_per_million: per_million(gateways_cpu_s),
        redis_cpu_s_per_million: per_million(redis_cpu_s),
        gateways_cpu_s,
        redis_cpu_s,
        delivered,
    })
}
