//! Commits in memory: synchronous work under one lock, no task hop. This is a hot path: an append
//! allocates its batch and its answer and nothing else.

use std::sync::Arc;

use tidegate_core::seams::store::{
    Append, Appended, Commit, CommitError, CommitListener, Committed, Floor, Op,
};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use super::index::Index;
use super::session::Session;
use super::shards::Shard;
use crate::rules::check::{Verdict, check, is_owed, next_version};

/// Where a commit's effects beyond its session go.
pub(super) struct Effects<'a> {
    pub(super) index: &'a parking_lot::Mutex<Index>,
    pub(super) listener: Option<&'a Arc<dyn CommitListener>>,
}

/// Applies `commit` within its locked shard. The listener is told under the lock: that is what
/// keeps its calls in order.
pub(super) fn commit(
    shard: &mut Shard,
    commit: Commit,
    now: u64,
    effects: &Effects<'_>,
) -> Result<Committed, CommitError> {
    let Commit { session: key, ops } = commit;
    if let Some(session) = shard.get_mut(&key) {
        return match check(&session.state, &ops, now)? {
            Verdict::Repeated(appends) => Ok(Committed { appends }),
            Verdict::Apply => Ok(effects.apply(session, &key, ops, now)),
        };
    }
    // A session is made by its first commit, and only if that can be applied.
    let mut session = Session::default();
    check(&session.state, &ops, now)?;
    let committed = effects.apply(&mut session, &key, ops, now);
    shard.insert(key, session);
    Ok(committed)
}

impl Effects<'_> {
    fn apply(&self, session: &mut Session, key: &SessionKey, ops: Vec<Op>, now: u64) -> Committed {
        session.state.used = true;
        let owed = !session.state.owed.is_empty();
        let mut committed = Committed::default();
        for op in ops {
            match op {
                Op::Append(append) => {
                    committed.appends.push(self.append(session, key, append, now));
                }
                Op::Settle(fates) => {
                    fates.into_iter().for_each(|(seq, fate)| session.settle(seq, fate));
                }
                Op::Trim { channel, floor: Floor::Replay, before } => {
                    if let Some(stream) = session.state.streams.get_mut(&channel) {
                        stream.head.trim_replay(before);
                    }
                }
                Op::Trim { channel, floor: Floor::Retention, before } => {
                    session.trim_retention(&channel, before);
                }
                Op::PutBlob { name, bytes } => {
                    session.blobs.insert(name, bytes);
                }
                Op::DeleteBlobs { prefix, from } => {
                    session.blobs.retain(|name, _| !(name.starts_with(&prefix) && *name >= from));
                }
                Op::PutRow { expected, row } => self.put_row(session, key, expected, *row),
                Op::ExpectRow { .. } | Op::ExpectFence { .. } | Op::ExpectTerm { .. } => {}
                Op::HandOver => session.state.fences.handovers += 1,
            }
        }
        if owed == session.state.owed.is_empty() {
            self.index.lock().set_owed(key, !owed);
        }
        committed
    }

    fn append(
        &self,
        session: &mut Session,
        key: &SessionKey,
        append: Append,
        now: u64,
    ) -> Appended {
        session.state.admit(append.writer);
        let owed = is_owed(&append);
        let stream = session.stream(key, &append.channel);
        let (answer, records) = stream.head.append(append, now);
        if !records.is_empty() {
            stream.data.push(records.clone());
            if let Some(listener) = self.listener {
                listener.committed(&stream.data.id, &records);
            }
        }
        if owed {
            session.state.owed.extend(records.iter().map(|record| record.seq_num));
        }
        answer
    }

    fn put_row(
        &self,
        session: &mut Session,
        key: &SessionKey,
        expected: Option<u64>,
        mut row: SessionRow,
    ) {
        row.version = next_version(expected);
        session.state.row_version = Some(row.version);
        let row = Arc::new(row);
        self.index.lock().put(key, session.row.as_deref(), Some(&row));
        session.row = Some(row);
    }
}
