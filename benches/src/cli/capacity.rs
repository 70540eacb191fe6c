//! The commands about sizes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::run::print;
use crate::capacity::{Calibration, Load, Machines, calibrate, check, size};
use crate::figures::{Machine, checked_table, need_table};

const GIB: f64 = 1_073_741_824.0;

/// Measures the constants of the model.
#[derive(Clone, Debug, clap::Args)]
pub struct CalibrateArgs {
    /// How often each load is run; medians count
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write them to benches/calibration.json
    #[arg(long)]
    save: bool,
}

/// Sizes of a deployment.
#[derive(Clone, Debug, clap::Args)]
pub struct CapacityArgs {
    /// Sessions with readers at one moment, one row for each number
    #[arg(long, value_delimiter = ',', default_values_t = [1e3, 1e4, 1e5, 1e6])]
    sessions: Vec<f64>,
    /// Records a second of each of them, on average
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
    /// Readers of each
    #[arg(long, default_value_t = 1.0)]
    readers: f64,
    /// Sessions that are stored, for each one with readers
    #[arg(long, default_value_t = 10.0)]
    stored: f64,
    /// Records that are stored of each
    #[arg(long, default_value_t = 200.0)]
    records: f64,
    /// Environments of the same size
    #[arg(long, default_value_t = 1)]
    environments: u32,
    /// Shards have equal ranges of slots, as a Cluster begins; else equal numbers of partitions
    #[arg(long)]
    equal_slots: bool,
    /// Cores of a gateway
    #[arg(long, default_value_t = 2.0)]
    cores: f64,
    /// Memory of a gateway, GiB
    #[arg(long, default_value_t = 4.0)]
    gateway_gib: f64,
    /// Memory of a Redis shard, GiB
    #[arg(long, default_value_t = 16.0)]
    shard_gib: f64,
    /// Network of each, Gbit/s
    #[arg(long, default_value_t = 10.0)]
    gbit: f64,
    /// How much of each may be used
    #[arg(long, default_value_t = 0.6)]
    fill: f64,
    /// Constants of another machine
    #[arg(long)]
    calibration: Option<PathBuf>,
    /// Compare the model with this machine instead
    #[arg(long)]
    pub check: bool,
}

/// Measures, and prints or saves.
pub(super) fn calibrated(binary: &Path, args: &CalibrateArgs) -> io::Result<()> {
    let constants = calibrate(binary, args.rounds)?;
    let machine = Machine::here();
    let calibration = Calibration {
        machine: format!("{} virtual cores {}", machine.cores, machine.cpu),
        date: machine.date,
        command: format!("tidegate-bench calibrate --rounds {} --save", args.rounds),
        constants,
    };
    if args.save {
        calibration.save()?;
    }
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&calibration)?)
}

/// Says what each load takes.
pub(super) fn sized(args: &CapacityArgs, json: bool) -> io::Result<()> {
    let constants = Calibration::load(args.calibration.as_deref())?.constants;
    let machines = Machines {
        cores: args.cores,
        gateway_bytes: args.gateway_gib * GIB,
        shard_bytes: args.shard_gib * GIB,
        bits: args.gbit * 1e9,
        fill: args.fill,
    };
    let mut rows = Vec::new();
    for sessions in args.sessions.iter().copied() {
        let load = Load {
            sessions,
            rate: args.rate,
            readers: args.readers,
            stored: sessions * args.stored,
            records: args.records,
            environments: args.environments,
            has_equal_slots: args.equal_slots,
        };
        let name = format!("{sessions} × {} × {}", args.readers, args.rate);
        let none = || {
            io::Error::other(format!("{name}: no fleet is large enough; more environments may be"))
        };
        let need = size(&constants, &load, &machines).ok_or_else(none)?;
        rows.push((name, need));
    }
    let named =
        |rows: &Vec<(String, _)>| need_table(rows.iter().map(|(name, need)| (name.clone(), need)));
    print(json, &rows, named)
}

/// Runs loads beside the model.
pub(super) fn checked(binary: &Path, args: &CapacityArgs, json: bool) -> io::Result<()> {
    let constants = Calibration::load(args.calibration.as_deref())?.constants;
    print(json, &check(binary, &constants)?, |rows| checked_table(rows))
}
