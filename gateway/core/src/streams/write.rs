//! Writing `.out` in bulk: the one way in for agents and server code (R-S2, R-OUT-4).

use std::sync::Arc;

use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_protocol::s2::input::trim_point;
use tidegate_protocol::s2::repeat;
use tidegate_protocol::{NewRecord, control};

use crate::agents::Service;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::runs::{Call, injected_messages};
use crate::seams::store::{Append, Appended, Commit, CommitError, Floor, Op, Writer};
use crate::sessions::row::SessionRow;

/// The right to write to one `.out` channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteGrant {
    /// The session.
    pub session: SessionKey,
    /// Its `.out`, or that of a side channel.
    pub channel: Channel,
    /// Who writes (I4).
    pub writer: Writer,
}

impl Gateway {
    /// Appends `records` in one commit; answers once they are durable. A trim command among them
    /// (see [`trim_point`]) moves the replay floor. A repeat of `frame_key` gets its first answer
    /// again.
    pub async fn append_out(
        &self,
        grant: &WriteGrant,
        records: Vec<NewRecord>,
        frame_key: Option<String>,
    ) -> Result<Appended> {
        // Only a run's own boundary ends its turn.
        let by_run = matches!(grant.writer, Writer::Run { .. }) && grant.channel == Channel::OUT;
        let row = if by_run { self.row_of_runs(&grant.session).await? } else { None };
        if let Some(row) = &row
            && records.iter().any(control::is_new_boundary)
        {
            let (key, writer) = (&grant.session, grant.writer);
            let records = without_tokens(records);
            return self.append_boundary(key, row, writer, records, frame_key).await;
        }
        let injected: Vec<_> = match &row {
            Some(_) => records.iter().flat_map(injected_messages).collect(),
            None => Vec::new(),
        };
        let appended = self.append_plainly(grant, ops(grant, records, frame_key)).await?;
        if let (Some(row), false) = (&row, injected.is_empty()) {
            self.runs().call(&grant.session, row, Call::Injected(injected)).await;
        }
        Ok(appended)
    }

    async fn append_plainly(&self, grant: &WriteGrant, ops: Vec<Op>) -> Result<Appended> {
        loop {
            let open = self.must_be_open(grant).await?;
            let ops = open.into_iter().chain(ops.iter().cloned()).collect();
            let commit = Commit { session: grant.session.clone(), ops };
            match self.store().commit(commit).await {
                Err(CommitError::RowChanged { .. }) => {}
                Err(failure) => return Err(error::commit(failure)),
                Ok(committed) => {
                    self.metrics().appended();
                    return Ok(committed.appends[0]);
                }
            }
        }
    }

    /// The session's row, if a worker runs its loop: then a boundary also settles inputs.
    async fn row_of_runs(&self, session: &SessionKey) -> Result<Option<Arc<SessionRow>>> {
        let row = self.store().session(session).await.map_err(error::store)?;
        Ok(row.filter(|row| {
            let agent = self.agents().find(&row.environment, &row.agent);
            matches!(agent.map(|agent| agent.service), Some(Service::Runs { .. }))
        }))
    }

    /// A run still ends its turn after the session was closed: its fence alone decides. Everyone
    /// else writes to open sessions only.
    async fn must_be_open(&self, grant: &WriteGrant) -> Result<Option<Op>> {
        if matches!(grant.writer, Writer::Run { .. }) {
            return Ok(None);
        }
        let row = self.store().session(&grant.session).await.map_err(error::store)?;
        let row = row.ok_or_else(|| error::session_not_found(grant.session.name()))?;
        error::open_or(&row, self.now())?;
        Ok(Some(Op::ExpectRow { version: row.version }))
    }
}

impl WriteGrant {
    /// The key by which a repeat of this append is known (R-S2-17).
    pub fn frame_key(&self, records: &[NewRecord]) -> Option<String> {
        let writer = match self.writer {
            Writer::Run { fence } => format!("run:{fence}"),
            Writer::Guest { handovers } => format!("guest:{handovers}"),
            Writer::Gateway { .. } => "gateway".to_owned(),
            Writer::Client => "client".to_owned(),
        };
        repeat::frame_key(&writer, records)
    }
}

/// What one append does to the session, as one commit.
fn ops(grant: &WriteGrant, records: Vec<NewRecord>, frame_key: Option<String>) -> Vec<Op> {
    let records = without_tokens(records);
    let trim = records.iter().filter_map(trim_point).max();
    let channel = grant.channel.clone();
    let append =
        Append { channel: channel.clone(), writer: grant.writer, frame_key, records, owed: false };
    let trim = trim.map(|before| Op::Trim { channel, floor: Floor::Replay, before });
    std::iter::once(Op::Append(append)).chain(trim).collect()
}

/// Tokens are never stored (I1): they are put on a boundary at delivery.
fn without_tokens(mut records: Vec<NewRecord>) -> Vec<NewRecord> {
    for record in &mut records {
        record.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(control::ACCESS_TOKEN));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> WriteGrant {
        let session = SessionKey::new("dev", "c");
        WriteGrant { session, channel: Channel::OUT, writer: Writer::Run { fence: 3 } }
    }

    #[test]
    fn tokens_are_stripped_and_the_rest_is_kept() {
        let token = (control::ACCESS_TOKEN.to_owned(), "secret".to_owned());
        let other = (control::IN_EVENT_ID.to_owned(), "4".to_owned());
        let boundary = control::record(control::TURN_COMPLETE, vec![token, other.clone()]);
        let ops = ops(&grant(), vec![boundary], None);
        let [Op::Append(append)] = &ops[..] else { panic!("{ops:?}") };
        let expected = control::record(control::TURN_COMPLETE, vec![other]);
        assert_eq!(append.records, [expected]);
        assert_eq!(append.writer, Writer::Run { fence: 3 });
    }

    #[test]
    fn a_trim_is_a_record_and_moves_the_replay_floor() {
        let trim = |seq: &str| NewRecord {
            headers: vec![(String::new(), "trim".to_owned())],
            body: seq.to_owned().into(),
        };
        let ops = ops(&grant(), vec![trim("4"), trim("7"), trim("5")], None);
        let [Op::Append(append), Op::Trim { floor: Floor::Replay, before: 7, .. }] = &ops[..]
        else {
            panic!("{ops:?}")
        };
        assert_eq!(append.records.len(), 3);
    }
}
