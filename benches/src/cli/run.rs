//! Runs the command that the arguments name.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::agents;
use super::args::{Args, Command, PacedArgs};
use super::capacity;
use super::nodes;
use super::report::report;
use super::transports;
use crate::figures::{
    Machine, Table, appends_table, idle_table, paced_table, resume_table, turns_table,
};
use crate::floor;
use crate::load::{Paced, Plan, TurnPlan, appends, idle, paced, resume, turns};
use crate::target::{Backend, Kind, Store, Target, binary};
use crate::worker;

/// Runs to the end of the command.
pub fn run(args: Args) -> io::Result<()> {
    let targets = Targets { bin: args.bin };
    let json = args.json;
    match args.command {
        Command::ServeFloor { listen } => floor::serve(&listen),
        Command::ServeWorker { address, mode } => worker::serve(&address, mode),
        Command::Link(args) => {
            let kinds = targets.kinds(&args.stores.stores, false)?;
            agents::link(&kinds, &args, json)
        }
        Command::Host(args) => {
            let kinds = targets.kinds(std::slice::from_ref(&args.store), false)?;
            agents::host(&kinds, &args, json)
        }
        Command::Nodes(args) => nodes::run(&targets.binary()?, &args, json),
        Command::Transports(args) => {
            let kinds = targets.kinds(std::slice::from_ref(&args.store), false)?;
            kinds.iter().try_for_each(|kind| transports::run(kind, &args, json))
        }
        Command::Calibrate(args) => capacity::calibrated(&targets.binary()?, &args),
        Command::Capacity(args) if args.check => capacity::checked(&targets.binary()?, &args, json),
        Command::Capacity(args) => capacity::sized(&args, json),
        Command::Report { save } => report(&targets, json, save),
        Command::Paced { load, stores, with_floor, rounds } => {
            let kinds = targets.kinds(&stores.stores, with_floor)?;
            print_paced(&kinds, load.into(), rounds, json)
        }
        Command::Floor { load } => print_paced(&[Targets::floor()?], load.into(), 1, json),
        Command::Fanout { readers, rate, seconds, stores, with_floor } => {
            let kinds = targets.kinds(&stores.stores, with_floor)?;
            print_paced(
                &kinds,
                Plan { sessions: 1, readers, rate, seconds, is_bulk: false },
                1,
                json,
            )
        }
        Command::Turns { sessions, rate, chunks, seconds, stores } => {
            let mut rows = Vec::new();
            for kind in targets.kinds(&stores.stores, false)? {
                for sessions in &sessions {
                    let plan = TurnPlan { sessions: *sessions, rate, chunks, seconds };
                    rows.push((kind.to_string(), turns(&kind, &plan)?));
                }
            }
            print(json, &rows, |rows| turns_table(named(rows)))
        }
        Command::Appends { connections, seconds, stores } => {
            let kinds = targets.kinds(&stores.stores, false)?;
            let rows = each(&kinds, |target| appends(target, connections, seconds))?;
            print(json, &rows, |rows| appends_table(named(rows)))
        }
        Command::Idle { readers, stores, with_floor } => {
            let kinds = targets.kinds(&stores.stores, with_floor)?;
            let rows = each(&kinds, |target| idle(target, readers))?;
            print(json, &rows, |rows| idle_table(named(rows)))
        }
        Command::Resume { records, clients, stores } => {
            let kinds = targets.kinds(&stores.stores, false)?;
            let rows = each(&kinds, |target| resume(target, records, clients))?;
            print(json, &rows, |rows| resume_table(named(rows)))
        }
    }
}

/// Which targets there are.
#[derive(Debug)]
pub(super) struct Targets {
    bin: Option<PathBuf>,
}

impl Targets {
    /// The gateway with each store; before them, if asked for, the floor.
    pub(super) fn kinds(&self, stores: &[Store], with_floor: bool) -> io::Result<Vec<Kind>> {
        let binary = self.binary()?;
        let gateway =
            |store: &Store| Kind::Gateway { binary: binary.clone(), store: store.clone() };
        let floor = with_floor.then(Self::floor).transpose()?;
        Ok(floor.into_iter().chain(stores.iter().map(gateway)).collect())
    }

    /// The gateway's binary.
    pub(super) fn binary(&self) -> io::Result<PathBuf> {
        binary(self.bin.clone())
    }

    fn floor() -> io::Result<Kind> {
        Ok(Kind::Floor { binary: std::env::current_exe()? })
    }
}

/// Starts each target afresh and runs a load on it.
pub(super) fn each<T>(
    kinds: &[Kind],
    load: impl Fn(&Target) -> io::Result<T>,
) -> io::Result<Vec<(String, T)>> {
    let run = |kind: &Kind| {
        let named = |error| io::Error::other(format!("{kind}: {error}"));
        let target = Target::start(kind, &Backend::Demo).map_err(named)?;
        Ok((kind.to_string(), load(&target).map_err(named)?))
    };
    kinds.iter().map(run).collect()
}

/// Rows as the tables take them.
pub(super) fn named<T>(rows: &[(String, T)]) -> impl Iterator<Item = (String, &T)> {
    rows.iter().map(|(name, row)| (name.clone(), row))
}

fn print_paced(kinds: &[Kind], plan: Plan, rounds: u32, json: bool) -> io::Result<()> {
    let mut rows = Vec::new();
    for _ in 0..rounds {
        rows.append(&mut each(kinds, |target| paced(target, &plan))?);
    }
    print(json, &rows, |rows| paced_table(named(rows).map(|(name, run)| (name, &plan, run))))?;
    if json {
        return Ok(());
    }
    for line in ratios(&rows) {
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}

/// What each target costs beside the floor: medians over the rounds.
pub(super) fn ratios(rows: &[(String, Paced)]) -> Vec<String> {
    let median = |name: &str, figure: fn(&Paced) -> f64| {
        let mut all: Vec<_> =
            rows.iter().filter(|(row, _)| row == name).map(|(_, run)| figure(run)).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    let mut names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let line = |name: &str| {
        let ratio = |figure| Some(median(name, figure)? / median("floor", figure)?);
        let (cpu, p50) = (ratio(|run| run.cpu_s_per_million)?, ratio(|run| run.latency_ms.p50)?);
        Some(format!("{name}: {cpu:.2} × the floor's CPU, {p50:.2} × its p50"))
    };
    names.into_iter().filter(|name| *name != "floor").filter_map(line).collect()
}

/// The machine and a table, or all of it as JSON.
pub(super) fn print<T: Serialize>(
    json: bool,
    rows: &T,
    table: impl FnOnce(&T) -> Table,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let document = serde_json::json!({ "machine": Machine::here(), "rows": rows });
        return writeln!(out, "{document:#}");
    }
    writeln!(out, "{}\n\n{}", Machine::here(), table(rows))
}

impl From<PacedArgs> for Plan {
    fn from(args: PacedArgs) -> Self {
        let PacedArgs { sessions, rate, seconds, bulk } = args;
        Self { sessions, readers: 1, rate, seconds, is_bulk: bulk }
    }
}
