//! Leases, each with a fence of its own.

use tidegate_core::seams::store::{Lease, LeaseError, LeaseRequest};
use tidegate_protocol::ids::SessionKey;

use super::answer;
use super::commit::EXACT_MAX;
use super::connect::CallError;
use super::keys::Home;
use super::store::Shared;
use super::value::unavailable;

impl Shared {
    pub(super) async fn lease(
        &self,
        session: &SessionKey,
        request: LeaseRequest,
    ) -> Result<Lease, LeaseError> {
        self.check_open()?;
        let home = Home::of(session);
        let (wants, ttl, holder) = match request {
            LeaseRequest::Take { holder, ttl_ms } => ("t", ttl_ms.min(EXACT_MAX), holder),
            LeaseRequest::Release { holder } => ("r", 0, holder),
        };
        let mut turns = 0;
        let reply = loop {
            let reign = self.reign_after(turns, &home).await?;
            let reigns = self.connection.reigns_before(&reign);
            let call = self.session_call(&self.scripts.lease, &home, [], None);
            let call = call.arg(wants).arg(&holder).arg(ttl).arg(reigns);
            match self.connection.run(call.under(&reign)).await {
                Ok(reply) => break reply,
                Err(CallError::TakenOver) => turns += 1,
                Err(error) => return Err(unavailable(error).into()),
            }
        };
        self.connection.barrier(&reply.served).await.map_err(unavailable)?;
        answer::lease(reply.value, holder)
    }
}
