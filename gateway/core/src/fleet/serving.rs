//! Which gateway serves a session (R-FLT-1). Where the store is one process's own, it is always
//! this one, and nothing here costs anything.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::limits::{FLEET_GONE_MS, FLEET_LOOK_MS};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::debug;

use super::ask::Asked;
use super::message::{Answer, Message, Question};
use super::roster::{Announcement, Roster};
use crate::seams::fleet::Claim;
use crate::seams::store::{Op, StoreError};
use crate::seams::{Entropy, Fleet};

const LOOK: Duration = Duration::from_millis(FLEET_LOOK_MS);
/// Between two looks at who serves a session.
pub(crate) const CLAIM_PAUSE: Duration = Duration::from_millis(50);

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

    /// Is any other gateway there?
    pub fn has_others(&self) -> bool {
        self.fleet.is_some() && self.roster.read().any(0).is_some()
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

    /// When a driver looks by itself for what came: where no other gateway can have taken it, and
    /// lost its message, never.
    pub async fn look(&self, last: Instant) {
        match &self.fleet {
            Some(_) => sleep_until(last + LOOK).await,
            None => std::future::pending().await,
        }
    }

    /// The right to serve `session`, or the name of the gateway that has it.
    pub async fn claim(&self, session: &SessionKey) -> Result<Result<Hold, String>, StoreError> {
        let Some(fleet) = &self.fleet else { return Ok(Ok(Hold::default())) };
        Ok(match fleet.claim(session).await? {
            Claim::Mine { term } => Ok(Hold { term: Some(term) }),
            Claim::Theirs { node } => Err(node),
        })
    }

    /// Takes the right to serve `session` from whichever gateway has it; what that does for the
    /// session ends. Waits for a gateway that is dead until it is known to be.
    pub async fn seize(&self, session: &SessionKey) -> Result<Hold, StoreError> {
        let patience = Instant::now() + Duration::from_millis(FLEET_GONE_MS);
        loop {
            let node = match self.claim(session).await? {
                Ok(hold) => return Ok(hold),
                Err(node) => node,
            };
            let asked = self.ask(&node, session, Question::Forget).await;
            if Instant::now() >= patience {
                asked?;
                let text = "other gateways claim the session again and again";
                return Err(StoreError::Unavailable(text.into()));
            }
            if !matches!(asked, Ok(Answer::Said(true))) {
                sleep(CLAIM_PAUSE).await;
            }
        }
    }

    /// Is `partition` in this gateway's share of what any gateway could do?
    pub fn looks_after(&self, partition: u8) -> bool {
        let own = self.fleet.as_ref().map(|fleet| fleet.node());
        own.is_none_or(|own| self.roster.read().looks_after(own, partition))
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
    /// the next sweep. Could it be told?
    pub async fn wake(&self, node: &str, session: &SessionKey) -> bool {
        let Some(fleet) = &self.fleet else { return false };
        let message = Message::Wake { session: session.as_str().to_owned() };
        let sent = fleet.send(node, message.to_bytes()).await;
        if let Err(error) = &sent {
            debug!(%error, node, "could not tell another gateway");
        }
        sent.is_ok()
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
