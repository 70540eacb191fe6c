//! The process of a gateway: runtime, signals, exit.

use tokio::runtime::Builder;
use tracing::{info, warn};

use super::build::{Running, start};
use super::open_files;
use super::signals::Signals;
use crate::config::Config;
use crate::exit::Failure;
use crate::telemetry::logs;

/// Exit code of a process that a second signal ended.
const CUT_SHORT: i32 = 130;

/// Serves until a signal, then drains. A second signal ends the process at once. `greet` is told
/// of the running gateway.
pub fn run(
    mut config: Config,
    greet: impl FnOnce(&Running) -> Result<(), Failure>,
) -> Result<(), Failure> {
    logs::start(&config.log);
    config.limits.connections = open_files::raise(config.limits.connections);
    let runtime = Builder::new_multi_thread().enable_all().thread_name("tidegate").build();
    let runtime = runtime.map_err(|error| Failure::Io(format!("no runtime: {error}")))?;
    runtime.block_on(Box::pin(serve(&config, greet)))
}

async fn serve(
    config: &Config,
    greet: impl FnOnce(&Running) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let running = start(config).await?;
    if let Err(failure) = greet(&running) {
        running.stop().await?;
        return Err(failure);
    }
    // Not inside the macro, which skips its arguments where the level is off.
    let signal = signals.next().await;
    info!(signal, "asked to stop");
    tokio::select! {
        stopped = running.stop() => stopped,
        signal = signals.next() => {
            warn!(signal, "asked again: not waiting");
            std::process::exit(CUT_SHORT)
        }
    }
}
