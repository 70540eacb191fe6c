//! The fleet behind the seam.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_core::seams::fleet::{Claim, FleetListener};
use tidegate_core::seams::store::StoreError;
use tidegate_core::seams::{BoxFuture, Fleet};
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::limits::REDIS_COMMAND_TIMEOUT_MS;

use super::super::connect::Call;
use super::super::store::{RedisStore, Shared};
use super::super::value::number;
use super::beat::keep_beating;
use super::names::{NEWS, channel_to};

const LISTEN_TIMEOUT: Duration = Duration::from_millis(REDIS_COMMAND_TIMEOUT_MS);

/// The gateways that share a Redis, as one of them sees them. It shares the connections of its
/// store, and leaves when that is closed.
#[derive(Clone, Debug)]
pub struct RedisFleet {
    shared: Arc<Shared>,
}

impl RedisFleet {
    /// Makes the gateway of `store` one of the fleet. Once it is done, the others can send
    /// messages to it.
    pub async fn join(store: &RedisStore) -> Result<Self, StoreError> {
        let shared = Arc::clone(&store.shared);
        shared.subscriber.subscribe(channel_to(&shared.node).as_bytes());
        shared.subscriber.subscribe(NEWS.as_bytes());
        let listens = tokio::time::timeout(LISTEN_TIMEOUT, shared.members.listens()).await;
        listens.map_err(|_| StoreError::Unavailable("no subscription came about".to_owned()))?;
        shared.beat().await?;
        tokio::spawn(keep_beating(Arc::downgrade(&shared)));
        Ok(Self { shared })
    }
}

impl Fleet for RedisFleet {
    fn node(&self) -> &str {
        &self.shared.node
    }

    fn claim(&self, session: &SessionKey) -> BoxFuture<'_, Result<Claim, StoreError>> {
        let session = session.clone();
        Box::pin(async move { self.shared.claim(&session).await })
    }

    fn give_up(
        &self,
        session: &SessionKey,
        term: u64,
        if_settled: bool,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let session = session.clone();
        Box::pin(async move { self.shared.give_up(&session, term, if_settled).await })
    }

    fn claimed_by(&self, node: &str) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        let node = node.to_owned();
        Box::pin(async move { self.shared.claimed_by(&node).await })
    }

    fn announce(&self, roster: Bytes) {
        self.shared.members.announce(roster);
    }

    fn send(&self, node: &str, message: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        let node = node.to_owned();
        Box::pin(async move {
            let payload = [self.shared.node.as_bytes(), b"\0", &message].concat();
            let call = Call::command("SPUBLISH", channel_to(&node)).arg(payload);
            match number(&self.shared.run(call).await?)? {
                0 => Err(StoreError::Unavailable(format!("gateway {node} is gone"))),
                _ => Ok(()),
            }
        })
    }

    fn set_listener(&self, listener: Arc<dyn FleetListener>) {
        self.shared.members.set_listener(listener);
    }
}
