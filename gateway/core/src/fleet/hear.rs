//! What this gateway hears of the others, and tells them.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::limits::{
    FLEET_ANNOUNCE_MS, FLEET_SHARE_MS, FLEET_SWEEP_MS, ROSTER_MAX_BYTES,
};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::message::{Answer, Message, Question, records};
use super::roster::Announcement;
use crate::gateway::{Gateway, Inner};
use crate::runs::Call;
use crate::seams::Fleet;
use crate::seams::fleet::FleetListener;
use crate::seams::store::StoreError;
use crate::sweeps::Share;

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

    /// What `node` served is served here, or by another one: each takes its share at once.
    async fn take_over(&self, fleet: &dyn Fleet, node: &str) -> Result<usize, StoreError> {
        let share = self.take_over_of(Share::Own, fleet, node).await?;
        // Whoever should have taken the rest may be gone too, or may see another fleet.
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

    async fn answer(&self, session: &str, question: Question) -> Answer {
        let failed = |text: &str| Answer::Failed(text.to_owned());
        let Some(key) = SessionKey::from_stored(session) else { return failed("no session") };
        let row = match self.store().session(&key).await {
            Ok(Some(row)) => row,
            Ok(None) => return self.leave(&key).await,
            Err(error) => return Answer::Failed(error.to_string()),
        };
        let call = |call| self.runs().call(&key, &row, call);
        match question {
            Question::Boundary { records: sent, writer, frame_key } => {
                let (reply, landed) = oneshot::channel();
                let (records, writer) = (records(sent), writer.into());
                call(Call::Boundary { records, writer, frame_key, reply }).await;
                landed.await.map_or_else(|_| failed("the driver ended"), Into::into)
            }
            Question::Succeed { number, upgrade } => {
                let (reply, next) = oneshot::channel();
                call(Call::Succeed { number, upgrade, reply }).await;
                next.await.map_or_else(
                    |_| failed("the driver ended"),
                    |(next, missing)| Answer::Succeeded {
                        number: next.number,
                        swapped: next.swapped,
                        missing,
                    },
                )
            }
            Question::Cancel { number } => {
                let (reply, live) = oneshot::channel();
                call(Call::Cancel { number, reply }).await;
                live.await.map_or_else(|_| failed("the driver ended"), Answer::Said)
            }
            Question::Yield => {
                let (reply, left) = oneshot::channel();
                call(Call::Yield(reply)).await;
                left.await.map_or_else(|_| failed("the driver ended"), Answer::Said)
            }
            Question::Injected(ids) => Answer::Said(call(Call::Injected(ids)).await),
            Question::Closed => Answer::Said(call(Call::Closed).await),
            Question::Forget => self.leave(&key).await,
        }
    }

    /// Ends what runs for a session here, and gives it up.
    async fn leave(&self, session: &SessionKey) -> Answer {
        self.forget_session(session).await;
        let serving = self.serving();
        let left = match serving.claim(session).await {
            Ok(Ok(hold)) => serving.give_up(session, hold, false).await,
            other => other.map(|_| true),
        };
        left.map_or_else(|error| Answer::Failed(error.to_string()), Answer::Said)
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

/// Tells the others what this gateway's workers can do, whenever that changes, and when it drains.
async fn announce(gateway: Weak<Inner>, fleet: Arc<dyn Fleet>) {
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

/// Makes up for messages that got lost: what is owed and served by nobody is found now and then.
async fn look_for_owed(gateway: Weak<Inner>) {
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
