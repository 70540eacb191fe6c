//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::agents::{HostArgs, LinkArgs};
use super::capacity::{CalibrateArgs, CapacityArgs};
use super::nodes::NodesArgs;
use super::transports::TransportsArgs;
use crate::target::{Store, WorkerMode};
use clap::builder::RangedI64ValueParser;

/// Figures of the gateway, each from one command.
#[derive(Debug, Parser)]
#[command(name = "tidegate-bench", version, arg_required_else_help = true)]
pub struct Args {
    /// The gateway; without it, target/release/tidegate
    #[arg(long, global = true, env = "TIDEGATE_BIN", value_name = "PATH")]
    pub bin: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to measure.
    #[command(subcommand)]
    pub command: Command,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Appends at a fixed rate, one reader each: latency, exactness, CPU
    Paced {
        /// How much.
        #[command(flatten)]
        load: PacedArgs,
        /// Stores of the gateway
        #[command(flatten)]
        stores: StoreArgs,
        /// Run the floor before each, and print what the gateway costs beside it
        #[arg(long)]
        with_floor: bool,
        /// How often
        #[arg(long, default_value_t = 1)]
        rounds: u32,
    },
    /// The paced load against the floor: a bare push server without storage
    Floor {
        /// How much.
        #[command(flatten)]
        load: PacedArgs,
    },
    /// One paced stream with many readers
    Fanout {
        /// Readers
        #[arg(long, default_value_t = 500)]
        readers: u32,
        /// Records a second
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        rate: u32,
        /// Seconds that count
        #[arg(long, default_value_t = 10)]
        seconds: u32,
        /// Stores of the gateway
        #[command(flatten)]
        stores: StoreArgs,
        /// Run the floor before each
        #[arg(long)]
        with_floor: bool,
    },
    /// Time that the gateway adds to turns of a streaming backend
    Turns {
        /// Sessions with a turn running, one run for each number
        #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 300, 1000])]
        sessions: Vec<u32>,
        /// Chunks a second of each turn
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        rate: u32,
        /// Chunks of a turn
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(2..))]
        chunks: u32,
        /// Seconds that count
        #[arg(long, default_value_t = 10)]
        seconds: u32,
        /// Stores of the gateway
        #[command(flatten)]
        stores: StoreArgs,
    },
    /// The highest rate of appends
    Appends {
        /// Connections, each appends to its own session
        #[arg(long, default_value_t = 64)]
        connections: u32,
        /// Seconds that count
        #[arg(long, default_value_t = 5)]
        seconds: u32,
        /// Stores of the gateway
        #[command(flatten)]
        stores: StoreArgs,
    },
    /// What a waiting reader costs
    Idle {
        /// Readers, each of its own session
        #[arg(long, default_value_t = 10_000)]
        readers: u32,
        /// Stores of the gateway
        #[command(flatten)]
        stores: StoreArgs,
        /// Run the floor before each
        #[arg(long)]
        with_floor: bool,
    },
    /// Readers that resume in the middle of a stream
    Resume {
        /// Records of the stream
        #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(2..))]
        records: u32,
        /// Clients: one after the other, then at once
        #[arg(long, default_value_t = 100)]
        clients: u32,
        /// Stores of the gateway
        #[command(flatten)]
        stores: StoreArgs,
    },
    /// Agents on the agent link, beside the demo inside the gateway
    Link(LinkArgs),
    /// Unmodified agent files in the TypeScript host
    Host(HostArgs),
    /// Two gateways on one Redis: delivery across them, what Redis is asked for
    Nodes(NodesArgs),
    /// Every transport: CPU and bytes for a record, memory of a connection, time to a first record
    Transports(TransportsArgs),
    /// Measures what the model of capacity is calibrated with
    Calibrate(CalibrateArgs),
    /// Gateways, Redis shards, memory and network for a load
    Capacity(CapacityArgs),
    /// All of it but the link, the host, Redis and transports, briefly, as one document
    Report {
        /// Write the figures to benches/baselines/DATE.json as well
        #[arg(long)]
        save: bool,
    },
    /// Be the floor
    #[command(hide = true)]
    ServeFloor {
        /// Where
        #[arg(long)]
        listen: String,
    },
    /// Be the worker
    #[command(hide = true)]
    ServeWorker {
        /// The gateway, host:port
        #[arg(long)]
        address: String,
        /// Who runs the turn loop
        #[arg(long)]
        mode: WorkerMode,
    },
}

/// A paced load.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct PacedArgs {
    /// Sessions
    #[arg(long, default_value_t = 100)]
    pub sessions: u32,
    /// Records a second, each session
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Seconds that count
    #[arg(long, default_value_t = 10)]
    pub seconds: u32,
    /// Append what is due at once in bulk, as agents do; the floor can't
    #[arg(long)]
    pub bulk: bool,
}

/// Stores to measure, one after the other.
#[derive(Clone, Debug, clap::Args)]
pub struct StoreArgs {
    /// memory:, disk: (a directory that is deleted afterwards) or disk:PATH
    #[arg(long = "store", value_delimiter = ',', default_value = "memory:,disk:")]
    pub stores: Vec<Store>,
}

/// From 1.
pub(super) fn positive() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
