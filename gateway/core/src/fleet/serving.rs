//! Which gateway serves a session (R-FLT-1). Where the store is one process's own, it is always
//! this one, and nothing here costs anything.

use std::sync::Arc;

use parking_lot::RwLock;
use tidegate_protocol::ids::SessionKey;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tracing::debug;

use super::ask::Asked;
use super::message::Message;
use super::roster::{Announcement, Roster};
use crate::seams::fleet::Claim;
use crate::seams::store::{Op, StoreError};
use crate::seams::{Entropy, Fleet};

/// Claims sessions for this gateway.
#[derive(Debug)]
pub struct Serving {
    fleet: Option<Arc<dyn Fleet>>,
    entropy: Arc<dyn Entropy>,
    roster: RwLock<Roster>,
    /// The roster has changed.
    changed: Notify,
    asked: Asked,
}

/// The right to serve a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// `None`: there is no other gateway.
    term: Option<u64>,
}

impl Serving {
    /// For a gateway of `fleet`, or one that is alone.
    pub fn new(fleet: Option<Arc<dyn Fleet>>, entropy: Arc<dyn Entropy>) -> Self {
        let (roster, changed, asked) = Default::default();
        Self { fleet, entropy, roster, changed, asked }
    }

    /// What the others can do.
    pub fn roster(&self) -> &RwLock<Roster> {
        &self.roster
    }

    pub(super) fn see(&self, node: &str, announcement: Announcement) {
        self.roster.write().see(node, announcement);
        self.changed.notify_waiters();
    }

    pub(super) fn forget(&self, node: &str) {
        self.roster.write().forget(node);
        self.changed.notify_waiters();
    }

    /// A later change of the roster.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The others, if there can be any.
    pub fn fleet(&self) -> Option<&Arc<dyn Fleet>> {
        self.fleet.as_ref()
    }

    /// The right to serve `session`, or the name of the gateway that has it.
    pub async fn claim(&self, session: &SessionKey) -> Result<Result<Hold, String>, StoreError> {
        let Some(fleet) = &self.fleet else { return Ok(Ok(Hold::default())) };
        Ok(match fleet.claim(session).await? {
            Claim::Mine { term } => Ok(Hold { term: Some(term) }),
            Claim::Theirs { node } => Err(node),
        })
    }

    /// Gives the right up. With `if_settled`, only if nothing is owed. Is it gone?
    pub async fn give_up(
        &self,
        session: &SessionKey,
        hold: Hold,
        if_settled: bool,
    ) -> Result<bool, StoreError> {
        match (&self.fleet, hold.term) {
            (Some(fleet), Some(term)) => fleet.give_up(session, term, if_settled).await,
            _ => Ok(true),
        }
    }

    /// Tells `node` that `session` may have new input. A message that gets lost is made up for by
    /// the next sweep.
    pub async fn wake(&self, node: &str, session: &SessionKey) {
        let Some(fleet) = &self.fleet else { return };
        let message = Message::Wake { session: session.as_str().to_owned() };
        if let Err(error) = fleet.send(node, message.to_bytes()).await {
            debug!(%error, node, "could not tell another gateway");
        }
    }

    /// Asks another gateway to serve `session`: this one drains.
    pub async fn hand_on(&self, session: &SessionKey) {
        let choice = (self.entropy.next_u128() & u128::from(u64::MAX)) as u64;
        let node = self.roster.read().any(choice).map(str::to_owned);
        if let Some(node) = node {
            self.wake(&node, session).await;
        }
    }
}

impl Hold {
    /// Makes a commit fail once another gateway has the session.
    pub fn guard(self, ops: Vec<Op>) -> Vec<Op> {
        match self.term {
            Some(term) => std::iter::once(Op::ExpectTerm { term }).chain(ops).collect(),
            None => ops,
        }
    }
}
