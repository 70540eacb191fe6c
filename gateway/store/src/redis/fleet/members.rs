//! What a gateway knows of the others.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tidegate_core::seams::fleet::FleetListener;
use tidegate_protocol::limits::{REDIS_GONE_MS, REDIS_SILENT_MS};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::names::{NEWS, TO};

/// How long nobody is judged after the servers, or this gateway, were away: the others were too.
const GRACE: Duration = Duration::from_millis(REDIS_GONE_MS);

/// The others, and what this gateway says of itself.
#[derive(Debug, Default)]
pub(in super::super) struct Members {
    others: Mutex<Others>,
    listener: OnceLock<Arc<dyn FleetListener>>,
    roster: Mutex<Roster>,
    grace: Mutex<Grace>,
    /// Asks for a beat at once.
    pub(super) wake: Arc<Notify>,
    listens: watch::Sender<bool>,
}

/// By name: the version of the roster that was seen, and the roster.
type Others = BTreeMap<String, (u64, Bytes)>;

/// What is announced; version 0 is nothing yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    pub(super) version: u64,
    pub(super) bytes: Bytes,
}

#[derive(Debug, Default)]
struct Grace {
    joined: bool,
    /// Until then this gateway declares nobody gone.
    judges_from: Option<Instant>,
    /// Until then a list without somebody does not say that they are gone: the list itself was.
    trusts_from: Option<Instant>,
}

/// Who is there, as the server says.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// How long ago this gateway's own beat was, ms; `None`: it was not in the list.
    pub(super) late_ms: Option<u64>,
    /// Names with the versions of their rosters.
    pub(super) others: Vec<(String, u64)>,
}

impl Members {
    /// Whether `node` is another gateway that is there.
    pub(in super::super) fn is_there(&self, node: &str) -> bool {
        self.others.lock().contains_key(node)
    }

    /// Takes what was published, if it concerns the fleet.
    pub(in super::super) fn hear(&self, channel: &[u8], payload: &[u8]) -> bool {
        if channel == NEWS.as_bytes() {
            self.wake.notify_one();
            return true;
        }
        if !channel.starts_with(TO.as_bytes()) {
            return false;
        }
        let from = payload.iter().position(|byte| *byte == 0);
        if let (Some(listener), Some(at)) = (self.listener.get(), from)
            && let Ok(from) = std::str::from_utf8(&payload[..at])
        {
            listener.received(from, &Bytes::copy_from_slice(&payload[at + 1..]));
        }
        true
    }

    /// The server confirmed a subscription.
    pub(in super::super) fn subscribed(&self, channel: &[u8]) {
        if channel.starts_with(TO.as_bytes()) {
            self.listens.send_replace(true);
        }
    }

    /// Waits until messages to this gateway come.
    pub(super) async fn listens(&self) {
        // The sender is `self`, so it can't be gone.
        let _ = self.listens.subscribe().wait_for(|listens| *listens).await;
    }

    pub(super) fn set_listener(&self, listener: Arc<dyn FleetListener>) {
        let others = self.others.lock();
        // A second one is ignored, as the seam says.
        if self.listener.set(Arc::clone(&listener)).is_err() {
            return;
        }
        for (name, (_, roster)) in others.iter() {
            listener.seen(name, roster);
        }
    }

    pub(super) fn announce(&self, bytes: Bytes) {
        let mut roster = self.roster.lock();
        *roster = Roster { version: roster.version + 1, bytes };
        drop(roster);
        self.wake.notify_one();
    }

    pub(super) fn roster(&self) -> Roster {
        self.roster.lock().clone()
    }

    /// Whether others may be declared gone for their silence.
    pub(super) fn may_judge(&self) -> bool {
        let grace = self.grace.lock();
        grace.joined && grace.judges_from.is_none_or(|from| from <= Instant::now())
    }

    /// Whether a list without somebody says that they are gone.
    pub(super) fn trusts(&self) -> bool {
        self.grace.lock().trusts(Instant::now())
    }

    /// A beat was not answered. It may be done later, and others then have not been heard either.
    pub(super) fn missed(&self) {
        self.grace.lock().judges_from = Some(Instant::now() + GRACE);
    }

    pub(super) fn has_joined(&self) -> bool {
        self.grace.lock().joined
    }

    /// Names of those in `present` whose roster is not known.
    pub(super) fn unknown(&self, present: &Present) -> Vec<String> {
        let others = self.others.lock();
        let is_known = |name: &String, version: &u64| {
            others.get(name).is_some_and(|(known, _)| known == version)
        };
        let unknown = present.others.iter().filter(|(name, version)| !is_known(name, version));
        unknown.map(|(name, _)| name.clone()).collect()
    }

    /// Takes over who is there, with the rosters that were not known, and tells the listener.
    pub(super) fn update(&self, present: &Present, rosters: &BTreeMap<String, Bytes>) {
        let trusts = self.note_own(present.late_ms);
        let mut others = self.others.lock();
        let listener = self.listener.get();
        let is_there = |name: &String| present.others.iter().any(|(other, _)| other == name);
        others.retain(|name, _| {
            let stays = !trusts || is_there(name);
            if !stays && let Some(listener) = listener {
                listener.gone(name);
            }
            stays
        });
        for (name, version) in &present.others {
            let Some(roster) = rosters.get(name) else { continue };
            others.insert(name.clone(), (*version, roster.clone()));
            if let Some(listener) = listener {
                listener.seen(name, roster);
            }
        }
    }

    /// Notes how long the server did without this gateway. Answers whether its list is complete.
    fn note_own(&self, late_ms: Option<u64>) -> bool {
        let now = Instant::now();
        let mut grace = self.grace.lock();
        if late_ms.is_none_or(|late| late > REDIS_SILENT_MS) {
            grace.judges_from = Some(now + GRACE);
        }
        if grace.joined && late_ms.is_none() {
            grace.trusts_from = Some(now + GRACE);
        }
        grace.joined = true;
        grace.trusts(now)
    }
}

impl Grace {
    fn trusts(&self, now: Instant) -> bool {
        self.trusts_from.is_none_or(|from| from <= now)
    }
}
