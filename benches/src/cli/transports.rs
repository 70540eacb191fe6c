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
use crate::transports::Via;

/// Every transport.
#[derive(Clone, Debug, clap::Args)]
pub struct TransportsArgs {
    /// Transports; ratios are to the first
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Via::ALL)]
    via: Vec<Via>,
    /// Sessions with paced records
    #[arg(long, default_value_t = 200, value_parser = positive())]
    sessions: u32,
    /// Readers of each of them
    #[arg(long, default_value_t = 4, value_parser = positive())]
    readers: u32,
    /// Records a second, each session
    #[arg(long, default_value_t = 10, value_parser = positive())]
    rate: u32,
    /// Seconds that count; this and what follows is left out if it is 0
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Reads of a connection, where it has many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=90))]
    reads: u32,
    /// Records of each of 20 logs that are read from their start
    #[arg(long, default_value_t = 10_000, value_parser = positive())]
    records: u32,
    /// How often they are read
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// First records of each kind
    #[arg(long, default_value_t = 100)]
    tries: u32,
    /// Connections that are kept open, of each kind
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
#[derive(Debug, Default, Serialize)]
struct Seen {
    quiet: Option<Quiet>,
    live: Vec<Live>,
    replay: Vec<Replay>,
    first: Vec<Firsts>,
    memory: Vec<Memory>,
}

/// One gateway for all transports; for memory a fresh one each time.
pub(super) fn run(kind: &Kind, args: &TransportsArgs, json: bool) -> io::Result<()> {
    let mut seen = Seen::default();
    let target = Target::start_secure(kind, &Backend::Demo)?;
    if args.tries > 0 {
        let plan = FirstPlan { tries: args.tries, records: FIRST_LOG };
        seen.first = firsts(&target, &plan, &args.via)?;
        done("first records")?;
    }
    let ways = Way::of(&args.via, args.reads);
    if args.seconds > 0 {
        run_live(&target, args, &ways, &mut seen)?;
    }
    if args.rounds > 0 {
        let plan = ReplayPlan { sessions: LOGS, records: args.records, rounds: args.rounds };
        fill_log(&target, &plan)?;
        for way in &ways {
            seen.replay.push(replay(&target, &plan, *way)?);
            done(&format!("replay, {way}"))?;
        }
    }
    drop(target);
    for one in KEPT.iter().filter(|one| args.kept > 0 && args.via.contains(&one.via)) {
        seen.memory.push(kept(kind, *one, args.kept, SETTLE)?);
        done(&format!("memory, {}, {} reads", one.via, one.reads))?;
    }
    print(args, &seen, json)
}

fn run_live(
    target: &Target,
    args: &TransportsArgs,
    ways: &[Way],
    seen: &mut Seen,
) -> io::Result<()> {
    let TransportsArgs { sessions, readers, rate, seconds, .. } = *args;
    let plan = LivePlan { sessions, readers, rate, seconds };
    seen.quiet = Some(quiet(target, &plan)?);
    for (at, way) in ways.iter().enumerate() {
        seen.live.push(live(target, &plan, *way, &format!("live-{at}"))?);
        done(&format!("live, {way}"))?;
    }
    Ok(())
}

fn print(args: &TransportsArgs, seen: &Seen, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let document = serde_json::json!({ "machine": Machine::here(), "rows": seen });
        return writeln!(out, "{document:#}");
    }
    let TransportsArgs { sessions, readers, rate, store, records, tries, .. } = args;
    writeln!(out, "{}, {store}", Machine::here())?;
    if let Some(quiet) = &seen.quiet {
        let body = seen.live.first().map_or(0, |run| run.body_bytes);
        let table = live_table(quiet, *readers, &seen.live);
        let appends = quiet.cpu_s_per_million;
        write!(
            out,
            "\nLive: {sessions} sessions × {readers} readers × {rate} records/s, bodies of {body} \
             bytes; the appends alone take {appends:.1} CPU-s/M.\n\n{table}"
        )?;
    }
    let parts = [
        (format!("Replay: {LOGS} logs of {records} records."), replay_table(&seen.replay)),
        (format!("First record, {tries} tries."), firsts_table(&seen.first)),
        ("Open connections, at rest.".to_owned(), kept_table(&seen.memory)),
    ];
    for (title, table) in parts.into_iter().filter(|(_, table)| !table.is_empty()) {
        write!(out, "\n{title}\n\n{table}")?;
    }
    Ok(())
}

/// The run takes minutes; this says how far it is.
fn done(what: &str) -> io::Result<()> {
    writeln!(io::stderr(), "done: {what}")
}
