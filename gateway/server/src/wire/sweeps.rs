//! Work that nobody asks for: owed inputs, retention, sessions whose time is over.

use std::time::Duration;

use tidegate_core::Gateway;
use tidegate_core::seams::store::StoreError;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

const PERIOD: Duration = Duration::from_secs(60);
const PAGE: usize = 256;

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
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
                // One sweep that fails does not keep the others from running.
                report("sessions that owe something", owed(&gateway).await);
                report("sessions whose time is over", expired(&gateway, closed_ttl_ms).await);
                report("records over retention", retention(&gateway).await);
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

fn report(what: &'static str, swept: Result<u64, StoreError>) {
    match swept {
        Ok(count) => debug!(count, what, "swept"),
        Err(error) => warn!(%error, what, "could not sweep; trying again in a minute"),
    }
}

async fn owed(gateway: &Gateway) -> Result<u64, StoreError> {
    gateway.wake_owing().await.map(|found| found as u64)
}

/// Deletes sessions whose time after closing or expiry has passed.
async fn expired(gateway: &Gateway, closed_ttl_ms: u64) -> Result<u64, StoreError> {
    let mut count = 0;
    loop {
        let now = gateway.now();
        let page = gateway.store().sweep_expired(now, PAGE).await?;
        let mut deleted = 0;
        for session in &page {
            // The page also names sessions that have expired but are kept for a while.
            let row = gateway.store().session(session).await?;
            let over = row.as_ref().and_then(|row| row.closed_at.or(row.expires_at));
            if over.is_none_or(|at| at.saturating_add(closed_ttl_ms) <= now) {
                gateway.delete_session(session).await?;
                deleted += 1;
            }
        }
        count += deleted;
        if deleted == 0 || page.len() < PAGE {
            return Ok(count);
        }
    }
}

async fn retention(gateway: &Gateway) -> Result<u64, StoreError> {
    gateway.store().enforce_retention(gateway.now()).await
}
