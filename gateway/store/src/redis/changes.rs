//! What changes a session: commits, leases, deletion.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tidegate_core::seams::store::{
    Commit, CommitError, Committed, Lease, LeaseError, LeaseRequest, Op, StoreError,
};
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};
use tracing::warn;

use super::answer::{self, Landed};
use super::commit::{EXACT_MAX, stored_row, with_ops, with_rules};
use super::connect::{Call, slot_of};
use super::keys::Home;
use super::store::Shared;
use super::value::unavailable;

impl Shared {
    pub(super) async fn commit(self: &Arc<Self>, commit: Commit) -> Result<Committed, CommitError> {
        self.check_open()?;
        let home = Home::of(&commit.session);
        self.note_environment(commit.session.environment()).await?;
        let server = self.server_of(&home).await?;
        let call = self.session_call(&self.scripts.commit, &home, None);
        let call = with_rules(call.arg(&*server).arg(&self.node), &self.retention);
        let known = |channel: &_| self.known.tail(&stream_of(&commit.session, channel));
        let call = with_ops(call, &commit, |append| known(&append.channel))?;
        let reply = self.connection.run(call).await.map_err(unavailable)?;
        let landed = match answer::commit(reply.value) {
            Ok(landed) => landed,
            Err(refusal) => {
                if matches!(refusal, CommitError::RowChanged { .. }) {
                    self.rows.let_go(&commit.session);
                }
                return Err(refusal);
            }
        };
        self.connection.barrier(&reply.served).await.map_err(unavailable)?;
        let committed = Committed { appends: landed.iter().map(|one| one.appended).collect() };
        if !committed.appends.iter().any(|one| one.repeated) {
            self.note(commit, landed);
        }
        Ok(committed)
    }

    /// What this process knows from a commit that was done.
    fn note(self: &Arc<Self>, commit: Commit, landed: Vec<Landed>) {
        let Commit { session, ops } = commit;
        let mut landed = landed.into_iter();
        for op in ops {
            match op {
                Op::Append(append) => {
                    let Some(Landed { appended, lost }) = landed.next() else { return };
                    if appended.count == 0 {
                        continue;
                    }
                    let stream = stream_of(&session, &append.channel);
                    if lost > 0 {
                        self.lost.fetch_add(lost, Ordering::Relaxed);
                        warn!(?stream, lost, "the server lost committed records: a new epoch");
                    }
                    self.known.see(&stream, appended.first + appended.count);
                    if self.teller.is_heard() {
                        let place = |(seq, record): (u64, tidegate_protocol::NewRecord)| {
                            record.at(seq, appended.timestamp)
                        };
                        let records: Arc<[Record]> =
                            (appended.first..).zip(append.records).map(place).collect();
                        self.tell(stream, records);
                    }
                }
                Op::PutRow { expected, row } => {
                    let row = Arc::new(stored_row(expected, &row));
                    self.rows.keep(&session, Some(&row));
                }
                _ => {}
            }
        }
    }

    /// Tells the listener of this process's own records.
    fn tell(self: &Arc<Self>, stream: StreamId, records: Arc<[Record]>) {
        if self.teller.own(&stream, records) {
            self.catch_up(&stream);
        }
    }

    pub(super) async fn lease(
        &self,
        session: &SessionKey,
        request: LeaseRequest,
    ) -> Result<Lease, LeaseError> {
        let call = self.session_call(&self.scripts.lease, &Home::of(session), None);
        let (call, holder) = match request {
            LeaseRequest::Take { holder, ttl_ms } => {
                (call.arg("t").arg(&holder).arg(ttl_ms.min(EXACT_MAX)), holder)
            }
            LeaseRequest::Release { holder } => (call.arg("r").arg(&holder).arg(0), holder),
        };
        answer::lease(self.run(call).await?, holder)
    }

    pub(super) async fn delete(&self, session: &SessionKey) -> Result<(), StoreError> {
        let call = self.session_call(&self.scripts.delete, &Home::of(session), None);
        self.run(call).await?;
        self.rows.forget(session);
        Ok(())
    }

    /// The identity of the server that a session's commits go to.
    async fn server_of(&self, home: &Home) -> Result<Arc<str>, StoreError> {
        let slot = slot_of(home.base.as_bytes());
        if let Some(server) = self.connection.server_id(slot) {
            return Ok(server);
        }
        let reply = self.connection.run(Call::at(slot, "PING")).await.map_err(unavailable)?;
        Ok(reply.served.server_id().clone())
    }
}

fn stream_of(session: &SessionKey, channel: &tidegate_protocol::ids::Channel) -> StreamId {
    StreamId { session: session.clone(), channel: channel.clone() }
}
