//! Several gateways of one process over one store in memory: for tests and simulations of a fleet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use tidegate_core::seams::fleet::{Claim, FleetListener};
use tidegate_core::seams::store::{CommitListener, StoreError};
use tidegate_core::seams::{BoxFuture, Fleet};
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};

use super::store::MemoryStore;
use crate::open::ListenableStore;

/// The gateways that share a store in memory.
#[derive(Debug, Default)]
pub struct MemoryFleet {
    members: Mutex<BTreeMap<String, Arc<Member>>>,
    /// Who claimed a session, and in which term; void once the session's term is another. Locked
    /// after the session's state.
    claims: Mutex<BTreeMap<SessionKey, (Arc<str>, u64)>>,
}

#[derive(Debug, Default)]
pub(super) struct Member {
    pub(super) dead: AtomicBool,
    /// What is published does not reach it.
    deaf: AtomicBool,
    roster: Mutex<Bytes>,
    pub(super) commits: OnceLock<Arc<dyn CommitListener>>,
    fleet: OnceLock<Arc<dyn FleetListener>>,
}

/// One of them: its view of the store and of the others.
#[derive(Clone, Debug)]
pub struct MemoryNode {
    name: Arc<str>,
    pub(super) store: Arc<MemoryStore>,
    hub: Arc<MemoryFleet>,
    pub(super) me: Arc<Member>,
}

impl MemoryFleet {
    /// A fleet without members over `store`, whose listener it becomes.
    pub fn over(store: &Arc<MemoryStore>) -> Arc<Self> {
        let hub = Arc::new(Self::default());
        store.set_listener(Arc::clone(&hub) as Arc<dyn CommitListener>);
        hub
    }

    /// A new member, called `name`.
    pub fn join(self: &Arc<Self>, name: &str, store: &Arc<MemoryStore>) -> MemoryNode {
        let me = Arc::new(Member::default());
        self.members.lock().insert(name.to_owned(), Arc::clone(&me));
        let (store, hub) = (Arc::clone(store), Arc::clone(self));
        MemoryNode { name: name.into(), store, hub, me }
    }

    /// The member `name` dies: whatever it asks from now on fails, and the others hear of it.
    pub fn kill(&self, name: &str) {
        let Some(dead) = self.members.lock().remove(name) else { return };
        dead.dead.store(true, Ordering::Release);
        for listener in self.listeners() {
            listener.gone(name);
        }
    }

    /// From now on `name` hears neither messages nor what others commit, as one whose subscriptions
    /// are gone without a sign. What it asks is answered, and it sees who is there.
    pub fn deafen(&self, name: &str) {
        if let Some(member) = self.member(name) {
            member.deaf.store(true, Ordering::Release);
        }
    }

    fn listeners(&self) -> Vec<Arc<dyn FleetListener>> {
        let members = self.members.lock();
        members.values().filter_map(|member| member.fleet.get().cloned()).collect()
    }

    fn member(&self, name: &str) -> Option<Arc<Member>> {
        self.members.lock().get(name).cloned()
    }
}

impl Member {
    fn hears(&self) -> bool {
        !self.deaf.load(Ordering::Acquire)
    }
}

impl CommitListener for MemoryFleet {
    fn committed(&self, stream: &StreamId, records: &Arc<[Record]>) {
        for member in self.members.lock().values().filter(|member| member.hears()) {
            if let Some(listener) = member.commits.get() {
                listener.committed(stream, records);
            }
        }
    }
}

impl MemoryNode {
    pub(super) fn alive(&self) -> Result<(), StoreError> {
        if self.me.dead.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(()) }
    }

    fn claim_now(&self, session: &SessionKey) -> Result<Claim, StoreError> {
        self.alive()?;
        self.store.with_state(session, |state| {
            let mut claims = self.hub.claims.lock();
            match claims.get(session) {
                Some((holder, term)) if *term == state.term && *holder == self.name => {
                    return Claim::Mine { term: *term };
                }
                Some((holder, term))
                    if *term == state.term && self.hub.member(holder).is_some() =>
                {
                    return Claim::Theirs { node: holder.to_string() };
                }
                _ => {}
            }
            state.term += 1;
            claims.insert(session.clone(), (Arc::clone(&self.name), state.term));
            Claim::Mine { term: state.term }
        })
    }

    fn give_up_now(
        &self,
        session: &SessionKey,
        term: u64,
        if_settled: bool,
    ) -> Result<bool, StoreError> {
        self.alive()?;
        self.store.with_state(session, |state| {
            let mut claims = self.hub.claims.lock();
            let is_mine = |(holder, of): &(Arc<str>, u64)| *holder == self.name && *of == term;
            if state.term != term || !claims.get(session).is_some_and(is_mine) {
                return true;
            }
            if if_settled && !state.owed.is_empty() {
                return false;
            }
            claims.remove(session);
            true
        })
    }
}

impl Fleet for MemoryNode {
    fn node(&self) -> &str {
        &self.name
    }

    fn claim(&self, session: &SessionKey) -> BoxFuture<'_, Result<Claim, StoreError>> {
        Box::pin(std::future::ready(self.claim_now(session)))
    }

    fn give_up(
        &self,
        session: &SessionKey,
        term: u64,
        if_settled: bool,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(std::future::ready(self.give_up_now(session, term, if_settled)))
    }

    fn claimed_by(&self, node: &str) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>> {
        let claimed = self.alive().map(|()| {
            let claims = self.hub.claims.lock();
            let theirs = claims.iter().filter(|(_, (holder, _))| **holder == *node);
            theirs.map(|(session, _)| session.clone()).collect()
        });
        Box::pin(std::future::ready(claimed))
    }

    fn announce(&self, roster: Bytes) {
        if self.alive().is_err() {
            return;
        }
        *self.me.roster.lock() = roster.clone();
        let mine = |listener: &Arc<dyn FleetListener>| {
            self.me.fleet.get().is_some_and(|own| Arc::ptr_eq(own, listener))
        };
        for listener in self.hub.listeners().iter().filter(|listener| !mine(listener)) {
            listener.seen(&self.name, &roster);
        }
    }

    fn send(&self, node: &str, message: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        let to = self.hub.member(node);
        if to.as_ref().is_some_and(|member| !member.hears()) {
            return Box::pin(std::future::ready(self.alive()));
        }
        let heard = to.and_then(|member| member.fleet.get().cloned());
        let sent = self.alive().and_then(|()| match heard {
            Some(listener) => {
                listener.received(&self.name, &message);
                Ok(())
            }
            None => Err(StoreError::Unavailable(format!("gateway {node} is gone"))),
        });
        Box::pin(std::future::ready(sent))
    }

    fn set_listener(&self, listener: Arc<dyn FleetListener>) {
        let members: Vec<_> = self.hub.members.lock().clone().into_iter().collect();
        for (name, member) in members.iter().filter(|(name, _)| **name != *self.name) {
            listener.seen(name, &member.roster.lock().clone());
        }
        // A second one is ignored, as the trait says.
        let _ = self.me.fleet.set(listener);
    }
}
