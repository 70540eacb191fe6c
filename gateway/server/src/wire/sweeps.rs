//! Work that nobody asks for: owed inputs, retention, sessions whose time is over.

use std::time::Duration;

use tidegate_core::Gateway;
use tidegate_core::seams::store::StoreError;
use tidegate_core::sweeps::Share;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

const PERIOD: Duration = Duration::from_secs(60);

/// The sweeping task.
#[derive(Debug)]
pub(super) struct Sweeps {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sweeps {
    /// Sweeps at once, for what was owed when the gateway last ended, and then every minute.
    pub(super) fn start(gateway: Gateway, closed_ttl_ms: u64) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut ticks = interval(PERIOD);
            let mut share = Share::All;
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
                // One sweep that fails does not keep the others from running.
                let owing = gateway.wake_owing_of(share).await;
                report("sessions that owe something", owing);
                share = Share::Own;
                let over = gateway.sweep_expired(closed_ttl_ms).await;
                report("sessions whose time is over", over);
                report("records over retention", gateway.sweep_retention().await);
            }
        });
        Self { stop, task }
    }

    /// Ends after the sweep that runs.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let _ = self.task.await;
    }
}

fn report<N: std::fmt::Display>(what: &'static str, swept: Result<N, StoreError>) {
    match swept {
        Ok(count) => debug!(%count, what, "swept"),
        Err(error) => warn!(%error, what, "could not sweep; trying again in a minute"),
    }
}
