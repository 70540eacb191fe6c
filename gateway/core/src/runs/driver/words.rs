//! What a run's worker says, and what callers ask.

use serde_json::value::RawValue;
use tidegate_protocol::ids::{Channel, base36};
use tidegate_protocol::limits::READ_PAGE_MAX_BYTES;
use tidegate_protocol::link::{Cause, OutRecord, Refusal, WorkerFrame};
use tidegate_protocol::{ErrorCode, NewRecord, Record, control};

use super::drive::{Driver, PAGE};
use super::perform::want;
use crate::runs::calls::Call;
use crate::runs::injected::injected_messages;
use crate::runs::machine::Machine;
use crate::seams::store::{Append, CommitError, Floor, Op, StoreError, Writer};
use crate::sessions::row::SessionRow;
use crate::streams::transcript::SAVED_BLOB;
use crate::workers::WorkEvent;

impl Driver {
    /// Something that the worker said, or that happened to it.
    pub(super) async fn take(
        &mut self,
        machine: &mut Machine,
        event: WorkEvent,
    ) -> Result<(), CommitError> {
        let now = self.now();
        match event {
            WorkEvent::Lost(cause) => {
                self.note_out(machine).await?;
                machine.handle_lost(cause, now);
            }
            WorkEvent::Evict => machine.handle_evict(now),
            WorkEvent::Resumed { seen } => {
                machine.handle_resumed();
                self.delivered = self.delivered.min(seen.max(machine.book().floor));
                self.deliver(machine).await?;
            }
            WorkEvent::Frame(frame) => {
                let heard = self.hear(machine, &frame).await;
                // Taken again by the restored machine: its key tells whether it had its effect.
                self.unheard = Some(frame).filter(|_| heard.is_err() && self.work.is_some());
                return heard;
            }
        }
        Ok(())
    }

    async fn hear(
        &mut self,
        machine: &mut Machine,
        frame: &WorkerFrame,
    ) -> Result<(), CommitError> {
        let now = self.now();
        let seq = frame.seq();
        let work = self.work.as_ref();
        let key = work.zip(seq).map(|(work, seq)| format!("{}:{seq}", work.id()));
        let outcome = match frame {
            WorkerFrame::Ready(_) => {
                machine.handle_ready(now);
                Ok(())
            }
            WorkerFrame::Parked(parked) => {
                // What it has seen decides whether it leaves something unanswered.
                self.read_inputs(machine).await?;
                machine.handle_parked(parked.seen, now);
                self.set_parked(true);
                Ok(())
            }
            WorkerFrame::Unparked(_) => {
                machine.handle_unparked(now);
                self.set_parked(false);
                Ok(())
            }
            WorkerFrame::Exit(exit) => {
                self.read_inputs(machine).await?;
                self.note_out(machine).await?;
                machine.handle_exit(exit.error.as_ref(), now);
                return Ok(());
            }
            WorkerFrame::Out(out) => match self.records_of(&out.records) {
                Ok(records) => self.append_records(machine, records, key).await,
                Err(refusal) => {
                    if let Some(work) = &self.work {
                        work.refuse(out.seq, refusal);
                    }
                    return Ok(());
                }
            },
            WorkerFrame::TurnDone(done) => {
                let records = vec![control::boundary(done.floor, done.consumed, None)];
                let writer = self.writer(machine);
                self.boundary(machine, records, writer, key).await.map(drop)
            }
            WorkerFrame::Trim(trim) => {
                let floor = Floor::Replay;
                let op = Op::Trim { channel: Channel::OUT, floor, before: trim.before };
                self.commit(vec![op]).await.map(drop)
            }
            WorkerFrame::Save(save) => {
                let name = SAVED_BLOB.to_owned();
                let put = Op::PutBlob { name, bytes: save.transcript.clone().into() };
                let fence = machine.book().current.as_ref().map_or(0, |run| run.fence);
                self.commit(vec![Op::ExpectFence { fence }, put]).await.map(drop)
            }
            WorkerFrame::Close(close) => self.close(machine, close.reason.clone()).await,
            WorkerFrame::EndAndContinue(_) => {
                machine.handle_succession(machine.book().number, true, now);
                Ok(())
            }
            _ => Ok(()),
        };
        self.perform(machine).await?;
        self.acknowledge(machine, seq, outcome)
    }

    /// Tells the worker what became of its frame.
    fn acknowledge(
        &self,
        machine: &mut Machine,
        seq: Option<u64>,
        outcome: Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        let Some(work) = &self.work else {
            // What came before the frame was the end of the run, under a new fence.
            return outcome.or_else(|error| match error {
                CommitError::Fenced { .. } => Ok(()),
                error => Err(error),
            });
        };
        let Some(seq) = seq else { return outcome };
        match outcome {
            Ok(()) => work.acknowledge(seq),
            Err(CommitError::RecordTooLarge { bytes }) => {
                let text = format!("a record of {bytes} bytes is too large; nothing was appended");
                work.refuse(seq, Refusal::new(ErrorCode::RecordTooLarge, text));
            }
            Err(CommitError::Fenced { .. }) => machine.handle_lost(Cause::Cancelled, self.now()),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The records of an `out` frame; all or none (R-LNK-22).
    fn records_of(&self, raw: &[Box<RawValue>]) -> Result<Vec<NewRecord>, Refusal> {
        let refused = |text: String| Refusal::new(ErrorCode::InvalidBody, text);
        let one = |raw: &RawValue| match OutRecord::parse(raw) {
            Ok(OutRecord::Data(data)) => {
                let id = base36(self.shared.common.entropy.next_u128(), 7);
                Ok(NewRecord::data(data.get().as_bytes(), &id))
            }
            // Its boundary is the gateway's to write, as are tokens.
            Ok(OutRecord::Control { kind, headers }) if kind != control::TURN_COMPLETE => {
                let own = |(name, _): &(String, String)| name != control::ACCESS_TOKEN;
                Ok(control::record(&kind, headers.into_iter().filter(own).collect()))
            }
            Ok(OutRecord::Control { .. }) => {
                Err(refused("a boundary is written with `turn_done`".to_owned()))
            }
            Err(error) => Err(refused(format!("a record is malformed: {error}"))),
        };
        raw.iter().map(|raw| one(raw)).collect()
    }

    async fn append_records(
        &self,
        machine: &mut Machine,
        records: Vec<NewRecord>,
        frame_key: Option<String>,
    ) -> Result<(), CommitError> {
        for record in &records {
            machine.handle_injected(injected_messages(record));
        }
        if records.is_empty() {
            return Ok(());
        }
        let writer = self.writer(machine);
        let append = Append { channel: Channel::OUT, writer, frame_key, records, owed: false };
        self.commit(vec![Op::Append(append)]).await.map(drop)
    }

    /// Somebody asks.
    pub(super) async fn answer(
        &mut self,
        machine: &mut Machine,
        call: Call,
    ) -> Result<(), CommitError> {
        let now = self.now();
        match call {
            Call::Boundary { records, writer, frame_key, reply } => {
                let outcome = self.boundary(machine, records, writer, frame_key).await;
                let failed = match &outcome {
                    Err(error @ CommitError::Store(_)) => Some(error.clone()),
                    _ => None,
                };
                let _ = reply.send(outcome);
                failed.map_or(Ok(()), Err)
            }
            Call::Succeed { number, upgrade, reply } => {
                self.look_at_row().await?;
                let succession = machine.handle_succession(number, upgrade, now);
                self.perform(machine).await?;
                let missing = !self.shared.workers.can_serve(&want(&self.row, None));
                let _ = reply.send((succession, missing));
                Ok(())
            }
            Call::Cancel { number, reply } => {
                self.read_inputs(machine).await?;
                self.note_out(machine).await?;
                let cancelled = machine.handle_cancel(number, now);
                self.perform(machine).await?;
                let _ = reply.send(cancelled);
                Ok(())
            }
            Call::Adopt { work, number, fence, parked, seen, reply } => {
                let book = machine.book();
                let current = book.current.as_ref().is_some_and(|run| run.fence == fence);
                let adopted = current && book.number == number && self.work.is_none();
                if adopted {
                    work.set_parked(parked);
                    self.work = Some(work);
                    // What is settled is not sent again, and nothing is beyond the tail.
                    let seen = seen.min(machine.seen()).max(machine.book().floor);
                    self.delivered = seen;
                    machine.handle_adopted(parked, seen, now);
                } else {
                    work.finish();
                }
                let _ = reply.send(adopted);
                Ok(())
            }
            Call::Open { open, reply } => {
                let opened = self.open(machine, *open).await?;
                let _ = reply.send(opened);
                Ok(())
            }
            Call::Injected(ids) => {
                machine.handle_injected(ids);
                Ok(())
            }
            Call::Closed => {
                machine.handle_closed();
                Ok(())
            }
            Call::Yield(reply) => {
                let _ = reply.send(false);
                Ok(())
            }
        }
    }

    async fn close(
        &self,
        machine: &mut Machine,
        reason: Option<String>,
    ) -> Result<(), CommitError> {
        machine.handle_closed();
        loop {
            let Some(row) = self.shared.common.store.session(&self.session).await? else {
                return Ok(());
            };
            if row.closed_at.is_some() {
                return Ok(());
            }
            let (closed_at, closed_reason) = (Some(self.now()), reason.clone());
            let closed = SessionRow { closed_at, closed_reason, ..(*row).clone() };
            let put = Op::PutRow { expected: Some(row.version), row: Box::new(closed) };
            let append = Append {
                channel: Channel::OUT,
                writer: self.writer(machine),
                frame_key: None,
                records: vec![control::session_closed(reason.as_deref())],
                owed: false,
            };
            match self.commit(vec![put, Op::Append(append)]).await {
                Err(CommitError::RowChanged { .. }) => {}
                outcome => return outcome.map(drop),
            }
        }
    }

    fn writer(&self, machine: &Machine) -> Writer {
        let current = machine.book().current.as_ref();
        Writer::Run { fence: current.map_or(0, |run| run.fence) }
    }

    fn set_parked(&self, parked: bool) {
        if let Some(work) = &self.work {
            work.set_parked(parked);
        }
    }

    /// Do the run's records come over the link?
    pub(super) fn takes_records(&self) -> bool {
        self.shared.workers.takes_records(&self.row.environment, &self.row.agent)
    }

    /// What the run needs besides the checkpoint: `.out` from its replay floor on.
    pub(super) async fn tail(&self, from: u64) -> Result<Vec<Record>, StoreError> {
        let (mut tail, mut bytes, mut next) = (Vec::new(), 0, from);
        loop {
            let page = self.read(Channel::OUT, next, PAGE).await?;
            let Some(last) = page.last() else { return Ok(tail) };
            next = last.seq_num + 1;
            bytes += page.iter().map(|record| record.body.len()).sum::<usize>();
            tail.extend(page);
            // Older turns are in the checkpoint; what is beyond is read over HTTP.
            if bytes >= READ_PAGE_MAX_BYTES * 8 {
                return Ok(tail);
            }
        }
    }

    /// The saved transcript.
    pub(super) async fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        let blob = self.shared.common.store.blob(&self.session, SAVED_BLOB).await?;
        Ok(blob.and_then(|bytes| String::from_utf8(bytes.into()).ok()))
    }
}
