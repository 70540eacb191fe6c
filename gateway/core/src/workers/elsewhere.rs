//! This gateway's workers as the other gateways see them, and where work can go (R-FLT-3).

use super::parked::Parked;
use super::pool::{Offer, Want};
use super::registry::Workers;
use crate::fleet::roster::{Announcement, Runnable, Whereabouts};

impl Workers {
    /// What the others are told.
    pub(crate) fn announcement(&self, draining: bool) -> Announcement {
        let state = self.state.lock();
        let offers = state.pool.all_offers();
        let versions =
            offers.map(|(agent, offer)| runnable(&agent.environment, offer, &state.parked));
        let versions = versions.collect();
        Announcement { draining, versions }
    }

    /// Resolves when another gateway has room for `want` and this one has not, or the newer
    /// version, or the worker that had the session before. Never, where there is no other.
    pub(crate) async fn room_elsewhere(&self, want: &Want) -> String {
        if self.serving.fleet().is_none() {
            return std::future::pending().await;
        }
        loop {
            let changed = self.serving.changed();
            if let Whereabouts::There(node) = self.whereabouts(want) {
                return node;
            }
            changed.await;
        }
    }

    /// Resolves when `want` is for a worker of this gateway, or for nobody who is there.
    pub(super) async fn until_here(&self, want: &Want) {
        while self.serving.fleet().is_some() {
            let changed = self.serving.changed();
            match self.whereabouts(want) {
                Whereabouts::Here | Whereabouts::Nowhere => return,
                Whereabouts::There(_) | Whereabouts::Later => changed.await,
            }
        }
    }

    pub(super) fn is_served_elsewhere(&self, want: &Want) -> bool {
        self.serving.fleet().is_some() && self.whereabouts(want) != Whereabouts::Nowhere
    }

    fn whereabouts(&self, want: &Want) -> Whereabouts {
        let state = self.state.lock();
        let offers = state.pool.offers(&want.agent);
        let environment = &want.agent.environment;
        let versions = offers.map(|offer| runnable(environment, offer, &state.parked)).collect();
        drop(state);
        let here = Announcement { draining: false, versions };
        self.serving.roster().read().whereabouts(want, &here)
    }
}

fn runnable(environment: &str, offer: Offer<'_>, parked: &Parked) -> Runnable {
    // What operators see is not for the other gateways.
    let spec = offer.spec.for_service();
    Runnable {
        environment: environment.to_owned(),
        spec,
        since: offer.since,
        room: offer.room.to_vec(),
        parked: parked.places(offer.workers.iter().copied()).to_vec(),
        workers: offer.workers.iter().map(|key| key.worker.to_string()).collect(),
    }
}
