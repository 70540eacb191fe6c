//! Work that nobody asks for: owed inputs, retention, sessions whose time is over. Gateways that
//! share a store share it too: by the partitions of the sessions' names (R-FLT-7).

use std::sync::Arc;

use tidegate_protocol::ids::{SessionKey, partition_of};

use crate::gateway::Gateway;
use crate::seams::store::StoreError;
use crate::sessions::row::SessionRow;

const PAGE: usize = 256;
/// Retention is one step of the store, so whoever looks after this partition does it for all.
const RETENTION_PARTITION: u8 = 0;

/// What of it a gateway does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Its own part.
    Own,
    /// Everything: who should look after the rest may be gone, or see another fleet.
    All,
}

impl Gateway {
    /// Wakes every session with something owed: after a start, when agents come, and now and then.
    /// Returns how many were found.
    pub async fn wake_owing(&self) -> Result<usize, StoreError> {
        self.wake_owing_of(Share::All).await
    }

    /// As [`Gateway::wake_owing`], of a part of the sessions.
    pub async fn wake_owing_of(&self, share: Share) -> Result<usize, StoreError> {
        let (mut after, mut found) = (None, 0);
        loop {
            let page = self.store().sweep_owed(after, PAGE).await?;
            for session in page.iter().filter(|session| self.is_in(share, session)) {
                if let Some(row) = self.store().session(session).await? {
                    self.wake(session, &row);
                    found += 1;
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.clone()),
                _ => return Ok(found),
            }
        }
    }

    /// Deletes the sessions of this gateway's share that were closed, or expired, `closed_ttl_ms`
    /// ago. Returns how many.
    pub async fn sweep_expired(&self, closed_ttl_ms: u64) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let now = self.now();
            let page = self.store().sweep_expired(now, PAGE).await?;
            let mut deleted = 0;
            for session in page.iter().filter(|session| self.is_in(Share::Own, session)) {
                // The page also names sessions that have expired but are kept for a while.
                let stays = |row: Arc<SessionRow>| {
                    let ended = row.closed_at.or(row.expires_at);
                    ended.is_none_or(|at| at.saturating_add(closed_ttl_ms) > now)
                };
                deleted += usize::from(self.delete_unless(session, stays).await?);
            }
            count += deleted;
            if deleted == 0 || page.len() < PAGE {
                return Ok(count);
            }
        }
    }

    /// Drops the records that retention no longer keeps, unless another gateway does. Returns how
    /// many.
    pub async fn sweep_retention(&self) -> Result<u64, StoreError> {
        if !self.serving().looks_after(RETENTION_PARTITION) {
            return Ok(0);
        }
        self.store().enforce_retention(self.now()).await
    }

    /// Drops the session with all that belongs to it, the turn that runs included.
    pub async fn delete_session(&self, session: &SessionKey) -> Result<(), StoreError> {
        // With the claim, so that no other gateway serves it, or makes it anew meanwhile.
        self.serving().seize(session).await?;
        self.forget_session(session).await;
        self.store().delete(session).await
    }

    /// Ends the driver of a session here, if there is one.
    pub(crate) async fn forget_session(&self, session: &SessionKey) {
        self.turns().forget(session).await;
        self.runs().forget(session).await;
    }

    /// Deletes a session, unless its row says that it `stays`.
    async fn delete_unless(
        &self,
        session: &SessionKey,
        stays: impl Fn(Arc<SessionRow>) -> bool,
    ) -> Result<bool, StoreError> {
        if self.store().session(session).await?.is_some_and(&stays) {
            return Ok(false);
        }
        let hold = self.serving().seize(session).await?;
        // Another gateway may have dropped it meanwhile, and a client made it anew.
        if self.store().session(session).await?.is_some_and(stays) {
            self.serving().give_up(session, hold, false).await?;
            return Ok(false);
        }
        self.forget_session(session).await;
        self.store().delete(session).await?;
        Ok(true)
    }

    /// Is `session` in this share of the work?
    pub(crate) fn is_in(&self, share: Share, session: &SessionKey) -> bool {
        share == Share::All || self.serving().looks_after(partition_of(session.name()))
    }
}
