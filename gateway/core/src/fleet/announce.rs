//! What this gateway tells the others of itself.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tidegate_protocol::limits::{FLEET_ANNOUNCE_MS, ROSTER_MAX_BYTES};
use tokio::time::sleep;
use tracing::warn;

use crate::gateway::{Gateway, Inner};
use crate::seams::Fleet;

/// Tells the others what this gateway's workers can do, whenever that changes, and when it drains.
pub(super) async fn announce(gateway: Weak<Inner>, fleet: Arc<dyn Fleet>) {
    let mut told = Bytes::new();
    let draining = match Gateway::upgrade(&gateway) {
        Some(gateway) => gateway.turns().draining(),
        None => return,
    };
    let mut draining = pin!(draining.fuse());
    loop {
        let workers = {
            let Some(gateway) = Gateway::upgrade(&gateway) else { return };
            let roster = gateway.workers().announcement(gateway.turns().is_draining());
            let roster: Bytes = serde_json::to_vec(&roster).expect("is valid JSON").into();
            if roster.len() > ROSTER_MAX_BYTES {
                warn!(bytes = roster.len(), "too many workers to tell the others of");
            } else if roster != told {
                told = roster.clone();
                fleet.announce(roster);
            }
            Arc::clone(gateway.workers())
        };
        tokio::select! {
            () = workers.changed() => {}
            () = &mut draining => {}
        }
        // What changes together is told together.
        sleep(Duration::from_millis(FLEET_ANNOUNCE_MS)).await;
    }
}
