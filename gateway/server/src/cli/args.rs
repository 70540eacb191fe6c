//! The command line, as clap reads it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A self-hosted gateway for AI chats: sessions that outlive connections, processes and deploys.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a gateway for development: store in .tidegate, demo agent, console, a key
    Dev(DevArgs),
    /// Run a gateway as a configuration file says
    Serve(ServeArgs),
    /// Check, explain or print configuration
    Config {
        /// What about it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Make secret keys
    Keys {
        /// What to do.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Look at sessions of a gateway
    Sessions {
        /// What to do.
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// Follow the records of a session
    Tail(TailArgs),
}

/// `dev`
#[derive(Debug, clap::Args)]
pub struct DevArgs {
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where sessions and the key are kept
    #[arg(long, value_name = "DIR", default_value = ".tidegate")]
    pub data: PathBuf,
    /// A configuration file whose agents, environments and settings are used
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `serve`
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "tidegate.toml")]
    pub config: PathBuf,
}

/// `config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a file and the environment; says everything that is wrong
    Check(ServeArgs),
    /// Print a file with every key and its default
    Defaults,
    /// Explain every key, one key, or a section
    Explain {
        /// As server.listen or agent
        key: Option<String>,
    },
}

/// `keys …`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Print a new secret key
    New {
        /// What the key is for
        #[arg(long, default_value = "dev")]
        stage: Stage,
    },
}

/// The stage that a key names.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Stage {
    /// Development.
    Dev,
    /// Staging.
    Stg,
    /// Production.
    Prod,
    /// Preview.
    Preview,
}

/// Which gateway, and with which key.
#[derive(Debug, clap::Args)]
pub struct RemoteArgs {
    /// The gateway
    #[arg(long, env = "TIDEGATE_URL", default_value = "http://127.0.0.1:8787")]
    pub url: String,
    /// A secret key, or a token that may read
    #[arg(long, env = "TIDEGATE_KEY", hide_env_values = true)]
    pub key: String,
}

/// `sessions …`
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List sessions, newest first
    List {
        /// The gateway
        #[command(flatten)]
        remote: RemoteArgs,
        /// Only these: active, closed, expired
        #[arg(long, value_delimiter = ',')]
        status: Vec<StatusArg>,
        /// Only sessions of this agent
        #[arg(long)]
        agent: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

/// State of a session.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StatusArg {
    /// Takes input.
    Active,
    /// Was closed.
    Closed,
    /// Ran out.
    Expired,
}

/// `tail`
#[derive(Debug, clap::Args)]
pub struct TailArgs {
    /// The session: its external id (a chat's id) or session_…
    pub session: String,
    /// The gateway
    #[command(flatten)]
    pub remote: RemoteArgs,
    /// First record; without it, from the oldest that is kept
    #[arg(long, value_name = "SEQ")]
    pub from: Option<u64>,
    /// One JSON object a record
    #[arg(long)]
    pub json: bool,
    /// End when nothing runs any more, instead of waiting for the next turn
    #[arg(long)]
    pub until_settled: bool,
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
