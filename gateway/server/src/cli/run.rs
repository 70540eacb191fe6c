//! Runs the command that the arguments name.

use super::args::{Args, Command, SessionsCommand};
use super::{config, dev, keys, remote, serve, sessions, tail};
use crate::exit::Failure;

/// Runs to the end of the command.
pub fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Dev(args) => dev::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Config { command } => config::run(command),
        Command::Keys { command } => keys::run(command),
        Command::Sessions {
            command: SessionsCommand::List { remote, status, agent, limit, json },
        } => {
            let query = sessions::Query { status, agent, limit, json };
            remote::block_on(sessions::list(remote, query))
        }
        Command::Tail(args) => remote::block_on(tail::run(args)),
    }
}
