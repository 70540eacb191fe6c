//! All figures in one document.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::run::{Targets, each, named, ratios};
use crate::figures::{
    Machine, Table, appends_table, idle_table, paced_table, resume_table, turns_table,
};
use crate::load::{Plan, TurnPlan, appends, idle, paced, resume, turns};
use crate::target::{Kind, Store};

const PACED: Plan = Plan { sessions: 100, readers: 1, rate: 20, seconds: 10, is_bulk: false };
const AIM: Plan = Plan { sessions: 300, readers: 1, rate: 20, seconds: 8, is_bulk: false };
const MANY: Plan = Plan { sessions: 1000, readers: 1, rate: 30, seconds: 8, is_bulk: false };
const FANOUT: Plan = Plan { sessions: 1, readers: 500, rate: 20, seconds: 6, is_bulk: false };
const TURN_SESSIONS: [u32; 4] = [1, 100, 300, 1000];
const READERS: u32 = 10_000;

/// Runs everything; takes about five minutes.
pub(super) fn report(targets: &Targets, is_json: bool, save: bool) -> io::Result<()> {
    let machine = Machine::here();
    let stores = [Store::Memory, Store::TemporaryDisk];
    let gateways = targets.kinds(&stores, false)?;
    let all = targets.kinds(&stores, true)?;
    let mut report = Report::default();
    for (title, plan) in [
        ("Paced: 100 streams × 20 records/s, one append a record, one reader each", PACED),
        ("Paced: 300 streams × 20 records/s", AIM),
        ("Real load: 1,000 streams × 30 records/s", MANY),
        ("Fan-out: one stream, 500 readers, 20 records/s", FANOUT),
    ] {
        report.paced(title, &all, plan)?;
    }
    report.turns(&gateways)?;
    let rows = each(&gateways, |target| appends(target, 64, 5))?;
    report.add("Highest rate of appends", appends_table(named(&rows)), json!(rows))?;
    let rows = each(&all, |target| idle(target, READERS))?;
    report.add("Idle readers", idle_table(named(&rows)), json!(rows))?;
    let rows = each(&gateways, |target| resume(target, 2000, 100))?;
    report.add("Resume at 1,000 of 2,000 records", resume_table(named(&rows)), json!(rows))?;
    let size = fs::metadata(targets.binary()?)?.len();
    let json = json!({ "machine": machine, "binary_bytes": size, "figures": report.figures });
    if save {
        write_baseline(&machine.date, &json)?;
    }
    let mut out = io::stdout().lock();
    if is_json {
        return writeln!(out, "{json:#}");
    }
    let size = size as f64 / f64::from(1 << 20);
    writeln!(out, "# Figures\n\n`tidegate-bench report`: {machine}. Binary: {size:.1} MiB.\n")?;
    writeln!(out, "Target on core 0, generator on core 1.\n{}", report.text)
}

#[derive(Debug, Default)]
struct Report {
    text: String,
    figures: serde_json::Map<String, Value>,
}

impl Report {
    fn paced(&mut self, title: &str, kinds: &[Kind], plan: Plan) -> io::Result<()> {
        let rows = each(kinds, |target| paced(target, &plan))?;
        let table = paced_table(named(&rows).map(|(name, run)| (name, &plan, run)));
        self.add(title, table, json!(rows))?;
        for line in ratios(&rows) {
            self.text.push_str(&format!("- {line}\n"));
        }
        Ok(())
    }

    fn turns(&mut self, kinds: &[Kind]) -> io::Result<()> {
        let mut rows = Vec::new();
        for kind in kinds {
            for sessions in TURN_SESSIONS {
                let plan = TurnPlan { sessions, rate: 20, chunks: 60, seconds: 5 };
                rows.push((kind.to_string(), turns(kind, &plan)?));
            }
        }
        let title =
            "Turns: time added between a streaming backend and its clients, 20 chunks/s each";
        self.add(title, turns_table(named(&rows)), json!(rows))
    }

    fn add(&mut self, title: &str, table: Table, rows: Value) -> io::Result<()> {
        // The run takes minutes; this says how far it is.
        writeln!(io::stderr(), "done: {title}")?;
        self.text.push_str(&format!("\n## {title}\n\n{table}"));
        self.figures.insert(title.to_owned(), rows);
        Ok(())
    }
}

fn write_baseline(date: &str, json: &Value) -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("baselines");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(format!("{date}.json")), format!("{json:#}\n"))
}
