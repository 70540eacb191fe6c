//! `keys new`.

use tidegate_protocol::token::key::{Prefix, generate};

use super::args::{KeysCommand, Stage};
use crate::exit::Failure;
use crate::out;

pub(super) fn run(command: KeysCommand) -> Result<(), Failure> {
    let KeysCommand::New { stage } = command;
    let prefix = match stage {
        Stage::Dev => Prefix::Dev,
        Stage::Stg => Prefix::Stg,
        Stage::Prod => Prefix::Prod,
        Stage::Preview => Prefix::Preview,
    };
    out::line(&new_key(prefix)?)
}

/// A key that lets the gateway mint tokens.
pub(super) fn new_key(prefix: Prefix) -> Result<String, Failure> {
    let mut entropy = [0; 24];
    getrandom::fill(&mut entropy)
        .map_err(|error| Failure::Io(format!("no randomness from the system: {error}")))?;
    Ok(generate(prefix, entropy))
}
