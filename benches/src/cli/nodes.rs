//! The command that measures gateways on one Redis.

use std::io::{self, Write};
use std::path::Path;

use super::run::print;
use crate::figures::nodes_table;
use crate::load::{Harm, NodesPlan, Plan, ReadersAt, nodes};

/// Two gateways that share a Redis.
#[derive(Clone, Debug, clap::Args)]
pub struct NodesArgs {
    /// Sessions of the latency runs
    #[arg(long, default_value_t = 100)]
    sessions: u32,
    /// Records a second, each session
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds that count
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// How often one gateway, the same and the other of two are run, in turns
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Sessions of the run that shows pipelining
    #[arg(long, default_value_t = 1000)]
    many: u32,
}

/// Records a second of each of 200 sessions, for the highest rate.
const RATES: [u32; 5] = [20, 100, 150, 200, 250];

/// One gateway, the same and the other of two in turns; one reader and fifty; many sessions; the
/// highest rate; and without pub/sub.
pub(super) fn run(binary: &Path, args: &NodesArgs, json: bool) -> io::Result<()> {
    let (rate, seconds) = (args.rate, args.seconds);
    let load = |sessions, readers| Plan { sessions, readers, rate, seconds, is_bulk: false };
    let bulk = |sessions, rate| Plan { sessions, readers: 1, rate, seconds, is_bulk: true };
    let alone = |load| NodesPlan { load, readers_at: ReadersAt::Alone, harm: Harm::None };
    let same = |load| NodesPlan { load, readers_at: ReadersAt::Same, harm: Harm::None };
    let other = |load, harm| NodesPlan { load, readers_at: ReadersAt::Other, harm };
    let latency = load(args.sessions, 1);
    let mut plans = Vec::new();
    for _ in 0..args.rounds {
        plans.extend([alone(latency), same(latency), other(latency, Harm::None)]);
    }
    plans.extend([same(load(1, 1)), same(load(1, 50)), other(load(1, 50), Harm::None)]);
    plans.push(same(load(args.many, 1)));
    plans.extend(RATES.map(|rate| alone(bulk(200, rate))));
    plans.extend([other(latency, Harm::Cut), other(latency, Harm::Forbidden)]);
    let mut rows = Vec::new();
    for plan in plans {
        rows.push(nodes(binary, plan)?);
        // The run takes minutes; this says how far it is.
        writeln!(io::stderr(), "done: {plan:?}")?;
    }
    print(json, &rows, |rows| nodes_table(rows))
}
