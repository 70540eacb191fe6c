//! What this gateway hears of the others.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tidegate_protocol::ids::SessionKey;
use tokio::runtime::Handle;
use tracing::{debug, info, warn};

use super::announce::announce;
use super::message::Message;
use super::roster::Announcement;
use super::take_over::look_for_owed;
use crate::gateway::{Gateway, Inner};
use crate::seams::fleet::FleetListener;
use crate::seams::store::StoreError;

/// Ends with the gateway, which it does not keep alive.
#[derive(Debug)]
struct Ears {
    gateway: Weak<Inner>,
    runtime: Handle,
}

impl Gateway {
    /// Takes its place among the gateways that share its store. Needs a Tokio runtime.
    pub fn join_fleet(&self) {
        let Some(fleet) = self.serving().fleet().cloned() else { return };
        let (gateway, runtime) = (self.downgrade(), Handle::current());
        fleet.set_listener(Arc::new(Ears { gateway: gateway.clone(), runtime }));
        tokio::spawn(announce(gateway.clone(), fleet));
        tokio::spawn(look_for_owed(gateway));
    }

    /// A session may have new input, says another gateway.
    async fn wake_by_name(&self, session: &str) -> Result<(), StoreError> {
        let Some(key) = SessionKey::from_stored(session) else { return Ok(()) };
        if let Some(row) = self.store().session(&key).await? {
            self.wake(&key, &row);
        }
        Ok(())
    }
}

impl FleetListener for Ears {
    fn seen(&self, node: &str, roster: &Bytes) {
        let Some(gateway) = Gateway::upgrade(&self.gateway) else { return };
        // What a later version says in another way counts as nothing said.
        let announcement: Announcement = serde_json::from_slice(roster).unwrap_or_default();
        let mut news = false;
        for version in &announcement.versions {
            news |= gateway.learn_agent(&version.environment, &version.spec);
        }
        gateway.serving().see(node, announcement);
        if news {
            self.runtime.spawn(async move {
                if let Err(error) = gateway.wake_owing().await {
                    warn!(%error, "could not look for what waits; the next sweep will");
                }
            });
        }
    }

    fn gone(&self, node: &str) {
        let Some(gateway) = Gateway::upgrade(&self.gateway) else { return };
        gateway.serving().forget(node);
        let node = node.to_owned();
        self.runtime.spawn(async move {
            let Some(fleet) = gateway.serving().fleet() else { return };
            match gateway.take_over(&**fleet, &node).await {
                Ok(sessions) => info!(node, sessions, "a gateway is gone"),
                Err(error) => warn!(node, %error, "could not take over; the next sweep will"),
            }
        });
    }

    fn received(&self, from: &str, message: &Bytes) {
        let Some(gateway) = Gateway::upgrade(&self.gateway) else { return };
        let Some(message) = Message::parse(message) else {
            debug!(from, "a message that is not understood");
            return;
        };
        let from = from.to_owned();
        match message {
            Message::Answer { id, answer } => gateway.serving().answered(id, answer),
            Message::Wake { session } => {
                self.runtime.spawn(async move {
                    if let Err(error) = gateway.wake_by_name(&session).await {
                        warn!(session, %error, "could not look; the next sweep will");
                    }
                });
            }
            Message::Ask { id, session, question } => {
                self.runtime.spawn(async move {
                    let answer = gateway.answer(&session, question).await;
                    let message = Message::Answer { id, answer };
                    let Some(fleet) = gateway.serving().fleet() else { return };
                    if let Err(error) = fleet.send(&from, message.to_bytes()).await {
                        debug!(from, %error, "could not answer");
                    }
                });
            }
        }
    }
}
