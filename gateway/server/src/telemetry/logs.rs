//! The log: on stderr, for people or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging; only the first call counts. `RUST_LOG`, when set, replaces the level.
pub fn start(config: &LogConfig) {
    let chosen = std::env::var("RUST_LOG").ok().filter(|filter| !filter.trim().is_empty());
    let filter = chosen.as_deref().unwrap_or(&config.level);
    // A filter that can't be read is no reason not to serve.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
