//! Leases: the right to write as a session's run (I4).

use tidegate_core::seams::store::{Lease, LeaseError, LeaseRequest};

use super::session::{HeldLease, SessionState};

/// What a request did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) lease: Lease,
    /// Nothing changed, so nothing needs to be written.
    pub(crate) unchanged: bool,
}

impl<D> SessionState<D> {
    /// Is there a lease that has not run out at `now`?
    pub(crate) fn is_leased(&self, now: u64) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.until > now)
    }

    /// Takes, renews or gives up the lease at `now`. A lease that its holder renews late, while
    /// nobody else took it, keeps its fence.
    pub(crate) fn lease(&mut self, request: LeaseRequest, now: u64) -> Result<Outcome, LeaseError> {
        match request {
            LeaseRequest::Take { holder, ttl_ms } => {
                match &self.lease {
                    Some(lease) if lease.holder == holder => {}
                    Some(lease) if lease.until > now => return Err(held(lease)),
                    _ => self.fences.fence += 1,
                }
                let until = now.saturating_add(ttl_ms);
                self.lease = Some(HeldLease { holder: holder.clone(), until });
                let lease = Lease { holder, fence: self.fences.fence, until };
                Ok(Outcome { lease, unchanged: false })
            }
            LeaseRequest::Release { holder } => {
                let unchanged = match &self.lease {
                    Some(lease) if lease.holder == holder => false,
                    Some(lease) if lease.until > now => return Err(held(lease)),
                    _ => true,
                };
                if !unchanged {
                    self.lease = None;
                }
                let lease = Lease { holder, fence: self.fences.fence, until: now };
                Ok(Outcome { lease, unchanged })
            }
        }
    }
}

fn held(lease: &HeldLease) -> LeaseError {
    LeaseError::Held { holder: lease.holder.clone(), until: lease.until }
}
