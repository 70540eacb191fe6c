//! Who serves which session.

use tidegate_core::seams::fleet::Claim;
use tidegate_core::seams::store::StoreError;
use tidegate_protocol::ids::SessionKey;

use super::super::connect::Call;
use super::super::keys::Home;
use super::super::store::Shared;
use super::super::sweeps::indexes;
use super::super::value::{bytes, list, number, text, unavailable, unexpected};
use super::names::MEMBERS;

/// Dead gateways in a row that a claim may be taken from.
const TRIES: usize = 8;

impl Shared {
    pub(super) async fn claim(&self, session: &SessionKey) -> Result<Claim, StoreError> {
        self.check_open()?;
        self.note_environment(session.environment()).await?;
        let home = Home::of(session);
        let mut dead = String::new();
        for _ in 0..TRIES {
            let claim = self.try_claim(&home, &dead).await?;
            match claim {
                Claim::Theirs { node } if !self.is_member(&node).await? => dead = node,
                claim => return Ok(claim),
            }
        }
        Err(StoreError::Unavailable("gateways die as fast as they claim".to_owned()))
    }

    async fn try_claim(&self, home: &Home, dead: &str) -> Result<Claim, StoreError> {
        let keys = ["k", "a"].map(|kind| home.index(kind));
        let call = self.session_call(&self.scripts.claim, home, keys, None);
        let call = call.arg(&self.node).arg(dead);
        let reply = self.connection.run(call).await.map_err(unavailable)?;
        let mut values = list(reply.value)?.into_iter();
        let (Some(mine), Some(value)) = (values.next(), values.next()) else {
            return Err(unexpected("to a claim"));
        };
        if number(&mine)? == 0 {
            return Ok(Claim::Theirs { node: text(value)? });
        }
        self.connection.barrier(&reply.served).await.map_err(unavailable)?;
        Ok(Claim::Mine { term: number(&value)? })
    }

    /// Asked after the claim was read: whoever claims has joined before. A list that does not even
    /// name this gateway, or did not a moment ago, says nothing of others.
    async fn is_member(&self, node: &str) -> Result<bool, StoreError> {
        if self.members.is_there(node) || !self.members.trusts() {
            return Ok(true);
        }
        let call = Call::command("HMGET", MEMBERS).arg(node).arg(&self.node);
        let mut listed = list(self.run(call).await?)?.into_iter().map(bytes);
        let (node, own) = (listed.next().transpose()?, listed.next().transpose()?);
        Ok(node.flatten().is_some() || own.flatten().is_none())
    }

    pub(super) async fn give_up(
        &self,
        session: &SessionKey,
        term: u64,
        if_settled: bool,
    ) -> Result<bool, StoreError> {
        let home = Home::of(session);
        let call = self.session_call(&self.scripts.give_up, &home, [home.index("k")], None);
        let call = call.arg(&self.node).arg(term).arg(u8::from(if_settled));
        Ok(number(&self.run(call).await?)? == 1)
    }

    pub(super) async fn claimed_by(&self, node: &str) -> Result<Vec<SessionKey>, StoreError> {
        let mut found = Vec::new();
        for environment in self.environments().await? {
            let ask = |key| Call::command("HGETALL", key);
            for answer in self.run_all(indexes(&environment, "k").map(ask)).await? {
                let mut values = list(answer)?.into_iter();
                while let (Some(name), Some(holder)) = (values.next(), values.next()) {
                    if text(holder)? == node {
                        found.push(SessionKey::new(&environment, &text(name)?));
                    }
                }
            }
        }
        Ok(found)
    }
}
