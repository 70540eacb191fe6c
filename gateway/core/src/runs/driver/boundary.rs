//! The boundary that a run writes itself: the end of its turn.

use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::READ_PAGE_MAX_BYTES;
use tidegate_protocol::s2::input::trim_point;
use tidegate_protocol::{NewRecord, control};

use super::drive::Driver;
use crate::runs::machine::Machine;
use crate::seams::store::{
    Append, Appended, CommitError, Floor, Op, ReadLimit, StoreError, Writer,
};

impl Driver {
    /// Appends records with a boundary among them, and settles what it covers in the same commit.
    pub(super) async fn boundary(
        &mut self,
        machine: &mut Machine,
        records: Vec<NewRecord>,
        writer: Writer,
        frame_key: Option<String>,
    ) -> Result<Appended, CommitError> {
        if let Some(first) = self.repeated_boundary(&records).await? {
            return Ok(first);
        }
        self.read_inputs(machine).await?;
        let boundary = records.iter().rfind(|record| control::is_new_boundary(record));
        let seq = |name| boundary.and_then(|record| record.header(name)?.parse().ok());
        let plan = machine.plan_boundary(seq(control::IN_EVENT_ID), seq(control::IN_CONSUMED_ID));
        let trim = records.iter().filter_map(trim_point).max();
        let append = Append { channel: Channel::OUT, writer, frame_key, records, owed: false };
        let mut ops = vec![Op::Append(append), Op::Settle(plan.fates.clone()), plan.book.put()];
        ops.extend(trim.map(|before| Op::Trim {
            channel: Channel::OUT,
            floor: Floor::Replay,
            before,
        }));
        let committed = self.commit(ops).await?;
        let appended = committed.appends[0];
        if !appended.repeated {
            self.shared.common.metrics.turn_completed();
            machine.handle_boundary(plan, self.now());
        }
        Ok(appended)
    }

    /// The first answer, if the stream already ends in this very boundary (R-S2-19). Its writer
    /// did not hear it, because the gateway or the connection was lost in between, and a boundary
    /// has no id by which a store could know it. Written twice, the second one would end the next
    /// turn of whoever read the first.
    async fn repeated_boundary(
        &self,
        records: &[NewRecord],
    ) -> Result<Option<Appended>, StoreError> {
        let [boundary] = records else { return Ok(None) };
        if boundary.header(control::IN_EVENT_ID).is_none() {
            return Ok(None);
        }
        let state = self.shared.common.store.state(&self.stream(Channel::OUT)).await?;
        let Some(newest) = state.tail.checked_sub(1) else { return Ok(None) };
        let one = ReadLimit { records: 1, bytes: READ_PAGE_MAX_BYTES };
        let last = self.read(Channel::OUT, newest, one).await?.pop();
        Ok(last.filter(|last| last.headers == boundary.headers && last.body == boundary.body).map(
            |last| Appended {
                epoch: state.epoch,
                first: last.seq_num,
                count: 1,
                timestamp: last.timestamp,
                repeated: true,
            },
        ))
    }
}
