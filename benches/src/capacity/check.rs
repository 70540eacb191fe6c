//! Loads that the constants were not measured with: what the model says, and what happens.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::Constants;
use crate::load::{Harm, Nodes, NodesPlan, Plan, ReadersAt, nodes};

/// Two gateways, one Redis: few and many appends, few and many readers, here and elsewhere.
const LOADS: [(Plan, bool); 3] = [
    (Plan { sessions: 50, readers: 2, rate: 10, seconds: 8, is_bulk: false }, true),
    (Plan { sessions: 150, readers: 1, rate: 20, seconds: 8, is_bulk: false }, false),
    (Plan { sessions: 10, readers: 30, rate: 30, seconds: 8, is_bulk: false }, true),
];

/// One load.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// What was done.
    pub load: Plan,
    /// Readers are at the other gateway.
    pub is_other: bool,
    /// Cores of both gateways: said by the model, and measured.
    pub gateways: (f64, f64),
    /// Cores of Redis: the same.
    pub redis: (f64, f64),
    /// Records lost, doubled or reordered.
    pub inexact: u64,
}

/// Runs the loads.
pub fn check(binary: &Path, constants: &Constants) -> io::Result<Vec<Checked>> {
    let run = |(load, is_other): (Plan, bool)| {
        let readers_at = if is_other { ReadersAt::Other } else { ReadersAt::Same };
        let run = nodes(binary, NodesPlan { load, readers_at, harm: Harm::None })?;
        Ok(compare(constants, &run))
    };
    LOADS.into_iter().map(run).collect()
}

fn compare(constants: &Constants, run: &Nodes) -> Checked {
    let (load, is_other) = (run.plan.load, run.plan.readers_at == ReadersAt::Other);
    let seconds = f64::from(load.seconds);
    let (gateways, redis) = said(constants, load, is_other);
    let paced = &run.paced;
    Checked {
        load,
        is_other,
        gateways: (gateways, run.gateways_cpu_s / seconds),
        redis: (redis, run.redis_cpu_s / seconds),
        inexact: paced.lost + paced.duplicated + paced.reordered,
    }
}

/// Cores of both gateways, and of Redis. Where readers are is known here, not a matter of chance.
fn said(constants: &Constants, load: Plan, is_other: bool) -> (f64, f64) {
    let appends = f64::from(load.sessions * load.rate);
    // One gateway appends all, and the other, if any, fetches all.
    let constants = &constants.at(appends);
    let deliveries = appends * f64::from(load.readers);
    let (fetches, watched) = (if is_other { appends } else { 0.0 }, f64::from(load.sessions));
    let in_appends = |per_fetch: f64| appends + fetches * per_fetch;
    let gateways = in_appends(constants.gateway_appends_per_fetch)
        * constants.gateway_us_per_append
        + deliveries * constants.gateway_us_per_delivery
        + watched * constants.gateway_us_per_watch_s
        + 2.0 * (constants.gateway_us_idle_s + constants.gateway_us_per_member_s);
    let redis = in_appends(constants.redis_appends_per_fetch) * constants.redis_us_per_append
        + watched * constants.redis_us_per_watch_s
        + 2.0 * (constants.redis_us_per_gateway_s + constants.redis_us_per_pair_s);
    (gateways / 1e6, redis / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_count_where_readers_are_elsewhere() {
        let constants = Constants {
            gateway_us_per_append: 10.0,
            gateway_us_per_delivery: 1.0,
            gateway_appends_per_fetch: 0.5,
            redis_us_per_append: 20.0,
            redis_appends_per_fetch: 0.25,
            ..Constants::default()
        };
        let load = Plan { sessions: 10, readers: 3, rate: 100, seconds: 1, is_bulk: false };
        assert_eq!(said(&constants, load, false), (0.013, 0.02));
        assert_eq!(said(&constants, load, true), (0.018, 0.025));
    }
}
