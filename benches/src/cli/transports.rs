//! The command that measures every transport beside the others.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::args::positive;
use crate::figures::{Machine, firsts_table, kept_table, live_table, replay_table};
use crate::load::{
    FirstPlan, Firsts, KEPT, Live, LivePlan, Memory, Quiet, Replay, ReplayPlan, Way, fill_log,
    firsts, kept, live, quiet, replay,
};
use crate::target::{Backend, Kind, Store, Target};

/// Every transport.
#[derive(Clone, Debug, clap::Args)]
pub struct TransportsArgs {
    /// Sessions with paced records
    #[arg(long, default_value_t = 200, value_parser = positive())]
    sessions: u32,
    /// Readers of each of them
    #[arg(long, default_value_t = 4, value_parser = positive())]
    readers: u32,
    /// Records a second, each session
    #[arg(long, default_value_t = 10, value_parser = positive())]
    rate: u32,
    /// Seconds that count
    #[arg(long, default_value_t = 10, value_parser = positive())]
    seconds: u32,
    /// Reads of a connection, where it has many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=90))]
    reads: u32,
    /// Records of each of 20 logs that are read from their start
    #[arg(long, default_value_t = 10_000, value_parser = positive())]
    records: u32,
    /// How often they are read
    #[arg(long, default_value_t = 3, value_parser = positive())]
    rounds: u32,
    /// First records of each kind
    #[arg(long, default_value_t = 100, value_parser = positive())]
    tries: u32,
    /// Connections that are kept open, of each kind; 0 leaves memory out
    #[arg(long, default_value_t = 1000)]
    kept: u32,
    /// Store of the gateway
    #[arg(long, default_value = "memory:")]
    pub store: Store,
}

const LOGS: u32 = 20;
const FIRST_LOG: u32 = 40;
const SETTLE: Duration = Duration::from_secs(3);

/// Everything that was seen.
#[derive(Debug, Serialize)]
struct Seen {
    quiet: Quiet,
    live: Vec<Live>,
    replay: Vec<Replay>,
    first: Vec<Firsts>,
    memory: Vec<Memory>,
}

/// One gateway for all transports; for memory a fresh one each time.
pub(super) fn run(kind: &Kind, args: &TransportsArgs, json: bool) -> io::Result<()> {
    let target = Target::start_secure(kind, &Backend::Demo)?;
    let TransportsArgs { sessions, readers, rate, seconds, .. } = *args;
    let plan = LivePlan { sessions, readers, rate, seconds };
    let first = firsts(&target, &FirstPlan { tries: args.tries, records: FIRST_LOG })?;
    done("first records")?;
    let quiet = quiet(&target, &plan)?;
    let ways = Way::all(args.reads);
    let mut rows = Vec::new();
    for (at, way) in ways.iter().enumerate() {
        rows.push(live(&target, &plan, *way, &format!("live-{at}"))?);
        done(&format!("live, {way}"))?;
    }
    let plan = ReplayPlan { sessions: LOGS, records: args.records, rounds: args.rounds };
    fill_log(&target, &plan)?;
    let replay = ways.iter().map(|way| replay(&target, &plan, *way)).collect::<Result<_, _>>()?;
    done("replay")?;
    drop(target);
    let mut memory = Vec::new();
    for one in KEPT.iter().filter(|_| args.kept > 0) {
        memory.push(kept(kind, *one, args.kept, SETTLE)?);
        done(&format!("memory, {}, {} reads", one.via, one.reads))?;
    }
    print(args, &Seen { quiet, live: rows, replay, first, memory }, json)
}

fn print(args: &TransportsArgs, seen: &Seen, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let document = serde_json::json!({ "machine": Machine::here(), "rows": seen });
        return writeln!(out, "{document:#}");
    }
    let TransportsArgs { sessions, readers, rate, store, records, tries, .. } = args;
    writeln!(out, "{}, {store}\n", Machine::here())?;
    let body = seen.live.first().map_or(0, |run| run.body_bytes);
    let appends = seen.quiet.cpu_s_per_million;
    writeln!(
        out,
        "Live: {sessions} sessions × {readers} readers × {rate} records/s, bodies of {body} bytes; \
         the appends alone take {appends:.1} CPU-s/M.\n\n{}",
        live_table(&seen.quiet, *readers, &seen.live)
    )?;
    writeln!(out, "Replay: {LOGS} logs of {records} records.\n\n{}", replay_table(&seen.replay))?;
    writeln!(out, "First record, {tries} tries.\n\n{}", firsts_table(&seen.first))?;
    if seen.memory.is_empty() {
        return Ok(());
    }
    writeln!(out, "Open connections, at rest.\n\n{}", kept_table(&seen.memory))
}

/// The run takes minutes; this says how far it is.
fn done(what: &str) -> io::Result<()> {
    writeln!(io::stderr(), "done: {what}")
}
