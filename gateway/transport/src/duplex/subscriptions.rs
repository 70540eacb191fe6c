//! The open subscriptions of a connection.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::{Context, Poll};

use tidegate_core::seams::store::StoreError;

use super::ready::{Place, Ready};
use super::requests::Reached;
use super::subscription::{Piece, Subscription};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    open: HashMap<u64, Entry>,
    ready: Arc<Ready>,
}

#[derive(Debug)]
struct Entry {
    subscription: Subscription,
    place: Arc<Place>,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn has(&self, id: u64) -> bool {
        self.open.contains_key(&id)
    }

    pub(super) fn insert(&mut self, subscription: Subscription) {
        let id = subscription.wanted.id;
        let place = Place::new(&self.ready, id);
        self.open.insert(id, Entry { subscription, place });
    }

    /// Ends `id`. Was it open?
    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.open.remove(&id).is_some()
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Subscription> {
        Some(&mut self.open.get_mut(&id)?.subscription)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.open.values().map(|entry| &entry.subscription)
    }

    /// `id` is looked at again: there may be room for it now.
    pub(super) fn look_at(&self, id: u64) {
        if let Some(entry) = self.open.get(&id) {
            entry.place.waker().wake();
        }
    }

    /// All are looked at again.
    pub(super) fn look_at_all(&self) {
        self.open.values().for_each(|entry| entry.place.waker().wake());
    }

    /// The tail of each.
    pub(super) fn tails(&self) -> BTreeMap<u64, u64> {
        self.iter().map(|open| (open.wanted.id, open.tail())).collect()
    }

    /// Those of the sessions that `is_meant`.
    pub(super) fn of(&self, is_meant: impl Fn(&str) -> bool) -> Vec<Reached> {
        let meant = self.iter().filter(|open| is_meant(&open.wanted.session));
        meant.map(Subscription::reached).collect()
    }

    /// The sessions, as the client calls them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|open| &*open.wanted.session)
    }

    /// What goes out next, of those that are ready and may go on now: who `is_blocked` is passed
    /// over until it is looked at again.
    pub(super) fn poll(
        &mut self,
        cx: &Context<'_>,
        is_blocked: impl Fn(u64) -> bool,
    ) -> Poll<(u64, Result<Piece, StoreError>)> {
        self.ready.listen(cx);
        while let Some(id) = self.ready.pop() {
            let Some(entry) = self.open.get_mut(&id).filter(|_| !is_blocked(id)) else { continue };
            let waker = entry.place.waker();
            let polled = entry.subscription.poll(&mut Context::from_waker(&waker));
            if let Poll::Ready(piece) = polled {
                // Behind the others: each gets its turn.
                waker.wake();
                return Poll::Ready((id, piece));
            }
        }
        Poll::Pending
    }
}
