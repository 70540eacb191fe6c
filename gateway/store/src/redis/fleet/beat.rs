//! Says over and over that this gateway is alive, and hears who else is.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tidegate_core::seams::store::StoreError;
use tidegate_protocol::limits::REDIS_BEAT_MS;
use tracing::debug;

use super::super::connect::Call;
use super::super::store::Shared;
use super::super::value::{bytes, list, number, text, unexpected};
use super::members::Present;
use super::names::{MEMBERS, NEWS, ROSTERS, TO, channel_to};

const BEAT: Duration = Duration::from_millis(REDIS_BEAT_MS);

/// Beats as long as the store is there and open.
pub(super) async fn keep_beating(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        if shared.check_open().is_err() {
            return;
        }
        if let Err(error) = shared.beat().await {
            shared.members.missed();
            debug!(%error, "the other gateways can't be told that this one is alive");
        }
        let wake = Arc::clone(&shared.members.wake);
        drop(shared);
        let _ = tokio::time::timeout(BEAT, wake.notified()).await;
    }
}

impl Shared {
    /// One beat.
    pub(super) async fn beat(&self) -> Result<(), StoreError> {
        let may_judge = u8::from(self.members.may_judge());
        let call = self.scripts.beat.call(&[MEMBERS, ROSTERS]);
        let hears = u8::from(self.subscriber.hears(channel_to(&self.node).as_bytes()).is_some());
        let call = call.arg(&self.node).arg(TO).arg(NEWS).arg(may_judge).arg(hears);
        let (version, present) = parse(self.run(call).await?)?;
        let roster = self.members.roster();
        if roster.version != version {
            let call = self.scripts.announce.call(&[MEMBERS, ROSTERS]).arg(&self.node);
            self.run(call.arg(roster.version).arg(&roster.bytes[..]).arg(NEWS).arg(hears)).await?;
        }
        let rosters = self.rosters(self.members.unknown(&present)).await?;
        self.members.update(&present, &rosters);
        Ok(())
    }

    /// The rosters of `names`; empty ones of those that announced nothing yet.
    async fn rosters(&self, names: Vec<String>) -> Result<BTreeMap<String, Bytes>, StoreError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let call = Call::command("HMGET", ROSTERS).arg(&names);
        let values = list(self.run(call).await?)?;
        let named = |(name, value)| Ok((name, bytes(value)?.unwrap_or_default()));
        names.into_iter().zip(values).map(named).collect()
    }

    /// Leaves the fleet, if this gateway joined it. The others find out by themselves if that
    /// does not work.
    pub(in super::super) async fn leave(&self) {
        if !self.members.has_joined() {
            return;
        }
        self.subscriber.unsubscribe(channel_to(&self.node).as_bytes());
        self.subscriber.unsubscribe(NEWS.as_bytes());
        let call = self.scripts.leave.call(&[MEMBERS, ROSTERS]).arg(&self.node).arg(NEWS);
        if let Err(error) = self.connection.run(call).await {
            debug!(%error, "the other gateways can't be told that this one leaves");
        }
    }
}

/// This gateway's version of its roster as the server has it, and the others.
fn parse(value: redis::Value) -> Result<(u64, Present), StoreError> {
    let mut values = list(value)?.into_iter();
    let (Some(late), Some(version)) = (values.next(), values.next()) else {
        return Err(unexpected("to a beat"));
    };
    // Negative: there was none.
    let late_ms = number(&late).ok();
    let mut present = Present { late_ms, others: Vec::new() };
    while let (Some(name), Some(version)) = (values.next(), values.next()) {
        present.others.push((text(name)?, number(&version)?));
    }
    Ok((number(&version)?, present))
}
