//! What nobody serves any more finds a gateway: after one died, and after messages got lost.

use std::sync::Weak;
use std::time::Duration;

use tidegate_protocol::limits::{FLEET_SHARE_MS, FLEET_SWEEP_MS};
use tokio::time::sleep;
use tracing::warn;

use crate::gateway::{Gateway, Inner};
use crate::seams::Fleet;
use crate::seams::store::StoreError;
use crate::sweeps::Share;

impl Gateway {
    /// What `node` served is served here, or by another one: each takes its share at once.
    pub(super) async fn take_over(
        &self,
        fleet: &dyn Fleet,
        node: &str,
    ) -> Result<usize, StoreError> {
        let share = self.take_over_of(Share::Own, fleet, node).await.unwrap_or_default();
        // Whoever should have taken the rest may be gone too, or may see another fleet; and the
        // store may have failed just now.
        sleep(Duration::from_millis(FLEET_SHARE_MS)).await;
        Ok(share + self.take_over_of(Share::All, fleet, node).await?)
    }

    async fn take_over_of(
        &self,
        share: Share,
        fleet: &dyn Fleet,
        node: &str,
    ) -> Result<usize, StoreError> {
        let mut found = 0;
        for session in fleet.claimed_by(node).await? {
            if self.is_in(share, &session)
                && let Some(row) = self.store().session(&session).await?
            {
                self.wake(&session, &row);
                found += 1;
            }
        }
        // It may have died before it claimed what it had accepted.
        Ok(found + self.wake_owing_of(share).await?)
    }
}

/// Makes up for messages that got lost: what is owed and served by nobody is found now and then.
pub(super) async fn look_for_owed(gateway: Weak<Inner>) {
    // Whoever should look after the rest may stand still, or see another fleet.
    let shares = [Share::Own, Share::Own, Share::All];
    for share in shares.into_iter().cycle() {
        sleep(Duration::from_millis(FLEET_SWEEP_MS)).await;
        let Some(gateway) = Gateway::upgrade(&gateway) else { return };
        // One that drains would only hand on what the others find by themselves.
        if gateway.turns().is_draining() {
            return;
        }
        if let Err(error) = gateway.wake_owing_of(share).await {
            warn!(%error, "could not look for what is owed");
        }
    }
}
