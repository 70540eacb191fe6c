//! `config check|defaults|explain`.

use super::args::ConfigCommand;
use crate::config::{Source, explain, load};
use crate::exit::Failure;
use crate::out;

pub(super) fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => {
            let config = load(&Source::of(Some(args.config.clone())))?;
            out::line(&format!(
                "{}: good: {} environment(s), {} agent(s), store {}, listens on {}",
                args.config.display(),
                config.environments.len(),
                config.agents.len(),
                config.store_url,
                config.server.listen,
            ))
        }
        ConfigCommand::Defaults => out::line(explain::defaults().trim_end()),
        ConfigCommand::Explain { key } => {
            let text = explain::explain(key.as_deref()).map_err(Failure::Usage)?;
            out::line(text.trim_end())
        }
    }
}
