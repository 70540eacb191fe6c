//! The commands that measure agents in processes of their own.

use std::io::{self, Write};
use std::path::PathBuf;

use super::args::StoreArgs;
use super::run::{named, print};
use crate::figures::{Machine, answers_table, flood_table, hosted_table, parked_table};
use crate::load::{AnswerPlan, FloodPlan, HostPlan, Through, answers, flood, hosted, parked};
use crate::target::{HostSetup, Kind, Store, WorkerMode};

const DEMO: Through = Through::Demo;
const TURNS: Through = Through::Link(WorkerMode::Turns);
const RUNS: Through = Through::Link(WorkerMode::Runs);

/// The agent link.
#[derive(Clone, Debug, clap::Args)]
pub struct LinkArgs {
    /// Users of the answers, one run for each number
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100])]
    users: Vec<u32>,
    /// Turns a second of all users
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds of answers that count
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Records of one session's answer
    #[arg(long, default_value_t = 100_000)]
    words: u32,
    /// Sessions that are answered at once, with 200 records each
    #[arg(long, default_value_t = 1000)]
    sessions: u32,
    /// Sessions that wait
    #[arg(long, default_value_t = 2000)]
    waiting: u32,
    /// Stores of the gateway
    #[command(flatten)]
    pub stores: StoreArgs,
}

/// The host.
#[derive(Clone, Debug, clap::Args)]
pub struct HostArgs {
    /// Node
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// The built host
    #[arg(long, default_value = "clients/typescript/dist/host/main.js")]
    host: PathBuf,
    /// The agent file
    #[arg(long, default_value = "clients/typescript/examples/echo-agent.ts")]
    file: PathBuf,
    /// Id of its agent
    #[arg(long, default_value = "echo")]
    agent: String,
    /// New chats in each of the cold figures
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Live chats at which memory is measured, rising
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50])]
    chats: Vec<u32>,
    /// Store of the gateway
    #[arg(long, default_value = "memory:")]
    pub store: Store,
}

/// Words of each session where there are many.
const WORDS_OF_MANY: u32 = 200;

/// Measures the link; the demo goes before it each time.
pub(super) fn link(kinds: &[Kind], args: &LinkArgs, json: bool) -> io::Result<()> {
    let (rate, seconds) = (args.rate, args.seconds);
    let (mut first, mut flooded, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    for kind in kinds {
        for users in &args.users {
            let plan = AnswerPlan { users: *users, rate, seconds };
            for through in [DEMO, TURNS, RUNS] {
                first.push(row(kind, through, |kind| answers(kind, through, plan))?);
            }
        }
        let one = FloodPlan { sessions: 1, words: args.words };
        let many = FloodPlan { sessions: args.sessions, words: WORDS_OF_MANY };
        for plan in [one, many] {
            for through in [DEMO, TURNS] {
                flooded.push(row(kind, through, |kind| flood(kind, through, plan))?);
            }
        }
        for through in [DEMO, TURNS, RUNS] {
            waiting.push(row(kind, through, |kind| parked(kind, through, args.waiting))?);
        }
    }
    let mut out = io::stdout().lock();
    if json {
        let rows = serde_json::json!({ "answers": first, "flood": flooded, "parked": waiting });
        let document = serde_json::json!({ "machine": Machine::here(), "rows": rows });
        return writeln!(out, "{document:#}");
    }
    writeln!(out, "{}\n\n{}", Machine::here(), answers_table(named(&first)))?;
    writeln!(out, "{}\n{}", flood_table(named(&flooded)), parked_table(named(&waiting)))
}

/// One run, with its name, also if it fails.
fn row<T>(
    kind: &Kind,
    through: Through,
    run: impl Fn(&Kind) -> io::Result<T>,
) -> io::Result<(String, T)> {
    let name = format!("{kind} {through}");
    match run(kind) {
        Ok(seen) => Ok((name, seen)),
        Err(error) => Err(io::Error::other(format!("{name}: {error}"))),
    }
}

/// Measures the host.
pub(super) fn host(kinds: &[Kind], args: &HostArgs, json: bool) -> io::Result<()> {
    let (node, main, file) = (args.node.clone(), args.host.clone(), args.file.clone());
    if !main.is_file() {
        let hint = "build it (npm ci && npm run build in clients/typescript) or give --host";
        return Err(io::Error::other(format!("{}: no such file; {hint}", main.display())));
    }
    let most = args.chats.iter().copied().max().unwrap_or(0);
    let setup = HostSetup { node, main, file, spares: 1, capacity: most + args.rounds + 1 };
    let (agent, rounds, chats) = (args.agent.clone(), args.rounds, args.chats.clone());
    let plan = HostPlan { setup, agent, rounds, chats };
    let row = |kind: &Kind| Ok((kind.to_string(), hosted(kind, &plan)?));
    let rows = kinds.iter().map(row).collect::<io::Result<Vec<_>>>()?;
    print(json, &rows, |rows| hosted_table(named(rows)))
}
