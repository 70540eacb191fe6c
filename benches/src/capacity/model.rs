//! The arithmetic.

use serde::Serialize;

use super::Constants;
use super::slots::busiest_share;

/// Most gateways and shards that are tried.
const MOST: u32 = 4_096;

/// What there is to do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Load {
    /// Sessions with readers, at one moment.
    pub sessions: f64,
    /// Records a second of each of them, on average.
    pub rate: f64,
    /// Readers of each.
    pub readers: f64,
    /// Sessions that are stored.
    pub stored: f64,
    /// Records that are stored of each.
    pub records: f64,
    /// Environments that they are spread over.
    pub environments: u32,
    /// Shards have equal ranges of slots; else equal numbers of partitions.
    pub has_equal_slots: bool,
}

/// What there is to do it with.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Machines {
    /// Cores of a gateway.
    pub cores: f64,
    /// Bytes of a gateway.
    pub gateway_bytes: f64,
    /// Bytes of a Redis shard; it has one core that counts.
    pub shard_bytes: f64,
    /// Bits a second of each.
    pub bits: f64,
    /// How much of each may be used: the rest is for peaks, and for a machine that is lost.
    pub fill: f64,
}

/// A part that can be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Part {
    /// CPU of gateways.
    GatewayCpu,
    /// Memory of gateways.
    GatewayMemory,
    /// Network of gateways.
    GatewayNetwork,
    /// CPU of the busiest shard.
    RedisCpu,
    /// Memory of the busiest shard.
    RedisMemory,
    /// Network of the busiest shard.
    RedisNetwork,
}

/// What the load takes.
#[derive(Clone, Debug, Serialize)]
pub struct Need {
    /// Gateways.
    pub gateways: u32,
    /// Redis shards.
    pub shards: u32,
    /// How much of each part is used then, fullest first; 1 is all of it.
    pub used: Vec<(Part, f64)>,
    /// CPU of all gateways, cores.
    pub gateway_cores: f64,
    /// CPU of all shards, cores.
    pub redis_cores: f64,
    /// Of which the list of gateways, which is in one slot, cores.
    pub fleet_cores: f64,
    /// Bytes of all shards.
    pub redis_bytes: f64,
}

/// The smallest fleet that does it; `None` if none does.
pub fn size(constants: &Constants, load: &Load, machines: &Machines) -> Option<Need> {
    let fits = |used: &[(Part, f64)]| used.iter().all(|(_, used)| *used <= machines.fill);
    let gateways = (1..=MOST).find(|n| fits(&gateway_parts(constants, load, machines, *n)))?;
    let shards =
        (1..=MOST).find(|n| fits(&redis_parts(constants, load, machines, gateways, *n)))?;
    Some(with(constants, load, machines, gateways, shards))
}

/// What `gateways` and `shards` have to do, whether they can or not.
pub(super) fn with(
    constants: &Constants,
    load: &Load,
    machines: &Machines,
    gateways: u32,
    shards: u32,
) -> Need {
    let mut used = gateway_parts(constants, load, machines, gateways);
    used.extend(redis_parts(constants, load, machines, gateways, shards));
    used.sort_by(|a, b| b.1.total_cmp(&a.1));
    let fleet_cores = fleet_cores(constants, gateways);
    Need {
        gateways,
        shards,
        used,
        gateway_cores: gateway_cores(constants, load, gateways),
        redis_cores: redis_cores(constants, load, gateways) + fleet_cores,
        fleet_cores,
        redis_bytes: redis_bytes(constants, load),
    }
}

/// Gateways that have readers of a session, on average, behind a balancer that picks by chance.
fn places(load: &Load, gateways: u32) -> f64 {
    let n = f64::from(gateways);
    n * (1.0 - (1.0 - 1.0 / n).powf(load.readers))
}

/// Of these, the ones that its appends do not go to.
fn others(load: &Load, gateways: u32) -> f64 {
    places(load, gateways) * (1.0 - 1.0 / f64::from(gateways))
}

/// With writes counted to the appends and fetches that share them.
fn shared(constants: &Constants, load: &Load, gateways: u32) -> Constants {
    let appends = load.sessions * load.rate;
    constants.at(appends * (1.0 + others(load, gateways)) / f64::from(gateways))
}

/// Cores of all gateways.
fn gateway_cores(constants: &Constants, load: &Load, gateways: u32) -> f64 {
    let constants = &shared(constants, load, gateways);
    let (n, appends) = (f64::from(gateways), load.sessions * load.rate);
    let fetches = others(load, gateways) * constants.gateway_appends_per_fetch;
    let work = appends * (1.0 + fetches) * constants.gateway_us_per_append
        + appends * load.readers * constants.gateway_us_per_delivery
        + load.sessions * places(load, gateways) * constants.gateway_us_per_watch_s;
    let idle = constants.gateway_us_idle_s + (n - 1.0) * constants.gateway_us_per_member_s;
    (work + n * idle) / 1e6
}

/// Cores of all shards, without the list of gateways.
fn redis_cores(constants: &Constants, load: &Load, gateways: u32) -> f64 {
    let constants = &shared(constants, load, gateways);
    let appends = load.sessions * load.rate;
    let fetches = others(load, gateways) * constants.redis_appends_per_fetch;
    let work = appends * (1.0 + fetches) * constants.redis_us_per_append
        + load.sessions * places(load, gateways) * constants.redis_us_per_watch_s;
    work / 1e6
}

/// Every gateway hears of every other, several times a second.
fn fleet_cores(constants: &Constants, gateways: u32) -> f64 {
    let n = f64::from(gateways);
    n * (constants.redis_us_per_gateway_s + (n - 1.0) * constants.redis_us_per_pair_s) / 1e6
}

fn redis_bytes(constants: &Constants, load: &Load) -> f64 {
    let session = constants.redis_bytes_per_session;
    load.stored * (session + load.records * constants.redis_bytes_per_record)
}

fn gateway_parts(
    constants: &Constants,
    load: &Load,
    machines: &Machines,
    gateways: u32,
) -> Vec<(Part, f64)> {
    let n = f64::from(gateways);
    let deliveries = load.sessions * load.rate * load.readers;
    let memory = constants.gateway_bytes
        + load.sessions * places(load, gateways) / n * constants.gateway_bytes_per_session
        + load.sessions * load.readers / n * constants.gateway_bytes_per_reader;
    let bits = deliveries * constants.wire_bytes_per_delivery * 8.0 / n;
    let cpu = gateway_cores(constants, load, gateways) / n / machines.cores;
    vec![
        (Part::GatewayCpu, cpu),
        (Part::GatewayMemory, memory / machines.gateway_bytes),
        (Part::GatewayNetwork, bits / machines.bits),
    ]
}

fn redis_parts(
    constants: &Constants,
    load: &Load,
    machines: &Machines,
    gateways: u32,
    shards: u32,
) -> Vec<(Part, f64)> {
    let share = busiest_share(shards, load.environments, load.has_equal_slots);
    let cpu = share * redis_cores(constants, load, gateways) + fleet_cores(constants, gateways);
    let appends = load.sessions * load.rate;
    let bytes = appends * constants.redis_wire_bytes_per_append
        + appends * others(load, gateways) * constants.redis_wire_bytes_per_fetch;
    vec![
        (Part::RedisCpu, cpu),
        (Part::RedisMemory, share * redis_bytes(constants, load) / machines.shard_bytes),
        (Part::RedisNetwork, share * bytes * 8.0 / machines.bits),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINES: Machines =
        Machines { cores: 2.0, gateway_bytes: 4e9, shard_bytes: 16e9, bits: 1e10, fill: 0.6 };
    const LOAD: Load = Load {
        sessions: 1_000.0,
        rate: 1.0,
        readers: 1.0,
        stored: 10_000.0,
        records: 200.0,
        environments: 1,
        has_equal_slots: false,
    };

    fn constants() -> Constants {
        Constants {
            gateway_us_per_append: 50.0,
            gateway_us_per_delivery: 10.0,
            gateway_appends_per_fetch: 0.8,
            redis_us_per_append: 70.0,
            redis_appends_per_fetch: 0.5,
            redis_us_per_gateway_s: 500.0,
            redis_us_per_pair_s: 5.0,
            redis_bytes_per_session: 1_000.0,
            redis_bytes_per_record: 200.0,
            wire_bytes_per_delivery: 400.0,
            ..Constants::default()
        }
    }

    #[test]
    fn one_node_is_a_sum() {
        let need = with(&constants(), &LOAD, &MACHINES, 1, 1);
        // 1,000 appends a second, one delivery each; nothing is fetched.
        assert!((need.gateway_cores - 0.06).abs() < 1e-9, "{need:?}");
        assert!((need.redis_cores - 0.0705).abs() < 1e-9, "{need:?}");
        assert!((need.redis_bytes - 10_000.0 * 41_000.0).abs() < 1.0, "{need:?}");
        assert_eq!(need.used[0], (Part::RedisCpu, need.redis_cores));
    }

    #[test]
    fn two_nodes_fetch_half() {
        let need = with(&constants(), &LOAD, &MACHINES, 2, 1);
        assert!((need.gateway_cores - 0.08).abs() < 1e-9, "{need:?}");
        assert!((need.redis_cores - 0.0875 - 0.00101).abs() < 1e-9, "{need:?}");
    }

    #[test]
    fn many_calls_share_writes() {
        let writes = Constants { redis_us_per_write: 40.0, ..constants() };
        // A thousand calls a second are two to a write.
        let load = Load { sessions: 2_000.0, ..LOAD };
        let of_calls =
            |load: &Load, gateways| with(&writes, load, &MACHINES, gateways, 1).redis_cores;
        assert!((of_calls(&load, 1) - 2_000.0 * 80e-6 - 0.0005).abs() < 1e-9);
        assert!((of_calls(&LOAD, 1) - 1_000.0 * 90e-6 - 0.0005).abs() < 1e-9);
        let few = Load { sessions: 10.0, ..LOAD };
        assert!((of_calls(&few, 1) - 10.0 * 110e-6 - 0.0005).abs() < 1e-9);
    }

    #[test]
    fn more_load_never_takes_less() {
        let mut last = (0, 0);
        for factor in [1.0, 3.0, 10.0, 30.0, 100.0] {
            let load = Load { sessions: LOAD.sessions * factor, ..LOAD };
            let need = size(&constants(), &load, &MACHINES).expect("it fits");
            assert!(need.gateways >= last.0 && need.shards >= last.1, "{need:?} after {last:?}");
            assert!(need.used.iter().all(|(_, used)| *used <= MACHINES.fill), "{need:?}");
            last = (need.gateways, need.shards);
        }
        assert!(last.0 > 1 && last.1 > 1, "{last:?}");
        let endless = Load { sessions: 1e12, ..LOAD };
        assert!(size(&constants(), &endless, &MACHINES).is_none());
    }
}
