//! What became of each input (I2).

use tidegate_protocol::ids::{Channel, StreamId};
use tidegate_protocol::limits::READ_PAGE_MAX_BYTES;
use tidegate_protocol::token::scope::Action;

use crate::access::Principal;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Fate, ReadLimit, StoreError};

/// One `.in` record and its fate; `None` while it is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFate {
    /// `.in` seq.
    pub seq: u64,
    /// What became of it.
    pub fate: Option<Fate>,
}

impl Gateway {
    /// Fates of `.in` records after `after`, oldest first, at most `limit`.
    pub async fn input_fates(
        &self,
        principal: &Principal,
        name: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<InputFate>> {
        let located = self.locate(principal, name).await?;
        principal.require(principal.may_session(Action::Read, &located.ids(), None))?;
        located.existing()?;
        let stream = StreamId { session: located.key.clone(), channel: Channel::IN };
        let from = after.map_or(0, |seq| seq.saturating_add(1));
        let seqs = self.seqs(&stream, from, limit).await.map_err(error::store)?;
        let owed = self.store().owed(&located.key).await.map_err(error::store)?;
        let fates = self.store().fates(&located.key, from, limit).await.map_err(error::store)?;
        // What was never owed was never the gateway's to answer: opaque, consumed.
        let fate_of = |seq| match fates.binary_search_by_key(&seq, |(seq, _)| *seq) {
            Ok(index) => Some(fates[index].1.clone()),
            Err(_) if owed.binary_search(&seq).is_ok() => None,
            Err(_) => Some(Fate::Consumed),
        };
        Ok(seqs.into_iter().map(|seq| InputFate { seq, fate: fate_of(seq) }).collect())
    }

    /// Seqs of at most `limit` records of `stream` from `from` on. They are dense within an epoch
    /// only, so the records are asked.
    async fn seqs(
        &self,
        stream: &StreamId,
        from: u64,
        limit: usize,
    ) -> std::result::Result<Vec<u64>, StoreError> {
        let (mut seqs, mut next) = (Vec::new(), from);
        while seqs.len() < limit {
            let page = ReadLimit { records: limit - seqs.len(), bytes: READ_PAGE_MAX_BYTES };
            let records = self.store().read(stream, next, page).await?;
            let Some(last) = records.last() else { break };
            next = last.seq_num + 1;
            seqs.extend(records.iter().map(|record| record.seq_num));
        }
        Ok(seqs)
    }
}
