//! Measures the constants.

use std::io::{self, Write};
use std::path::Path;

use super::Constants;
use super::calibration::calls_of_a_write;
use crate::load::{Harm, Nodes, NodesPlan, Plan, ReadersAt, Rest, Stage, nodes};

const SECONDS: u32 = 8;
/// Pairs are measured with this many gateways that are made up.
const MEMBERS: u32 = 200;
const WAITING: u32 = 2_000;

/// Measures everything `rounds` times and takes medians. Neighbours make single runs dearer.
pub fn calibrate(binary: &Path, rounds: u32) -> io::Result<Constants> {
    let stage = Stage::start(binary, false)?;
    let alone = stage.rest(0)?;
    let crowded = stage.rest(MEMBERS)?;
    drop(stage);
    done("rest")?;
    let mut runs = Runs::default();
    for _ in 0..rounds {
        runs.light.push(load(binary, 20, 1, ReadersAt::Same)?);
        runs.busy.push(load(binary, 200, 1, ReadersAt::Same)?);
        runs.many.push(load(binary, 20, 20, ReadersAt::Same)?);
        runs.far.push(load(binary, 100, 1, ReadersAt::Other)?);
        done("a round of loads")?;
    }
    let (held, waiting) = Stage::start(binary, false)?.waiting(WAITING)?;
    done("waiting readers")?;
    let gateway = runs.costs(|run| run.gateways_cpu_s * 1e6, 2.0 * alone.gateway_us_s);
    let redis = runs.costs(|run| run.redis_cpu_s * 1e6, alone.redis_us_s);
    let wire = |run: &Nodes| (run.counts.bytes_in + run.counts.bytes_out) as f64 / appends(run);
    let members = f64::from(MEMBERS);
    let pair = (crowded.redis_us_s - alone.redis_us_s) / 2.0 / members;
    let member = (crowded.gateway_us_s - alone.gateway_us_s) / members;
    let per_watch =
        |figure: fn(&Rest) -> f64| (figure(&waiting) - figure(&alone)) / f64::from(WAITING);
    let constants = Constants {
        gateway_us_per_append: gateway.append,
        gateway_us_per_write: gateway.write,
        gateway_us_per_delivery: gateway.delivery,
        gateway_appends_per_fetch: gateway.fetch,
        gateway_us_per_watch_s: per_watch(|rest| rest.gateway_us_s),
        gateway_us_idle_s: alone.gateway_us_s,
        gateway_us_per_member_s: member,
        // Redis has nothing to do with readers: what seems to be theirs is noise.
        redis_us_per_append: redis.append + redis.delivery,
        redis_us_per_write: redis.write,
        redis_appends_per_fetch: redis.fetch,
        redis_us_per_watch_s: per_watch(|rest| rest.redis_us_s),
        redis_us_per_gateway_s: alone.redis_us_s / 2.0,
        redis_us_per_pair_s: pair,
        gateway_bytes: held.gateway,
        gateway_bytes_per_session: held.gateway_session,
        gateway_bytes_per_reader: held.gateway_reader,
        redis_bytes_per_session: held.redis_session,
        redis_bytes_per_record: median(&runs.busy, |run| run.redis_bytes_per_entry),
        wire_bytes_per_delivery: median(&runs.busy, |run| run.paced.bytes_per_delivery),
        redis_wire_bytes_per_append: median(&runs.busy, wire),
        redis_wire_bytes_per_fetch: median(&runs.far, wire) - median(&runs.busy, wire),
    };
    Ok(constants.without_noise())
}

/// Runs of each load.
#[derive(Debug, Default)]
struct Runs {
    /// A few appends a second, one reader each.
    light: Vec<Nodes>,
    /// Many of them.
    busy: Vec<Nodes>,
    /// Few appends, many readers.
    many: Vec<Nodes>,
    /// Readers at the other gateway.
    far: Vec<Nodes>,
}

/// CPU microseconds of one process.
#[derive(Debug)]
struct Costs {
    append: f64,
    write: f64,
    delivery: f64,
    /// In appends.
    fetch: f64,
}

impl Runs {
    /// Solves `(append + write × writes) × (1 + fetch) + readers × delivery` for its terms.
    /// `spent` is in microseconds; `rest` of them a second are not the load's.
    fn costs(&self, spent: impl Fn(&Nodes) -> f64, rest: f64) -> Costs {
        let each = |runs: &[Nodes]| {
            median(runs, |run| (spent(run) - rest * f64::from(SECONDS)) / appends(run))
        };
        // The writes that an append takes.
        let writes = |runs: &[Nodes]| {
            median(runs, |run| 1.0 / calls_of_a_write(appends(run) / f64::from(SECONDS)))
        };
        let (light, busy) = (each(&self.light), each(&self.busy));
        let write = ((light - busy) / (writes(&self.light) - writes(&self.busy))).max(0.0);
        let delivery = (each(&self.many) - light) / 19.0;
        let append = light - write * writes(&self.light) - delivery;
        let far = each(&self.far) - delivery;
        let fetch = far / (append + write * writes(&self.far)) - 1.0;
        Costs { append, write, delivery, fetch }
    }
}

impl Constants {
    /// What is too small to be measured is nothing, and digits that mean nothing are dropped.
    fn without_noise(self) -> Self {
        let Ok(serde_json::Value::Object(mut fields)) = serde_json::to_value(self) else {
            return self;
        };
        for value in fields.values_mut() {
            let number = value.as_f64().unwrap_or(0.0).max(0.0);
            let scale = 10_f64.powi(2 - number.max(1e-6).log10().floor() as i32);
            *value = ((number * scale).round() / scale).into();
        }
        serde_json::from_value(serde_json::Value::Object(fields)).unwrap_or(self)
    }
}

fn load(binary: &Path, sessions: u32, readers: u32, readers_at: ReadersAt) -> io::Result<Nodes> {
    let load = Plan { sessions, readers, rate: 20, seconds: SECONDS, is_bulk: false };
    nodes(binary, NodesPlan { load, readers_at, harm: Harm::None })
}

fn appends(run: &Nodes) -> f64 {
    run.counts.entries.max(1) as f64
}

fn median(runs: &[Nodes], figure: impl Fn(&Nodes) -> f64) -> f64 {
    let mut all: Vec<_> = runs.iter().map(figure).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}

/// It takes minutes; this says how far it is.
fn done(what: &str) -> io::Result<()> {
    writeln!(io::stderr(), "done: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_stay_and_nothing_is_negative() {
        let noisy = Constants {
            gateway_us_per_append: 51.2345,
            gateway_us_idle_s: 1_234.5,
            redis_appends_per_fetch: -0.3,
            redis_us_per_pair_s: 0.012_345,
            ..Constants::default()
        };
        let clean = noisy.without_noise();
        assert_eq!(clean.gateway_us_per_append, 51.2);
        assert_eq!(clean.gateway_us_idle_s, 1_230.0);
        assert_eq!(clean.redis_appends_per_fetch, 0.0);
        assert_eq!(clean.redis_us_per_pair_s, 0.0123);
    }
}
