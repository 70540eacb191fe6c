//! Applies the operations of a checked commit to the state and the writes of a group.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::seams::store::{Append, Appended, Committed, Fate, Floor, Op, StoreError};
use tidegate_protocol::Record;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};

use super::enforce;
use super::keys::batch::BatchKey;
use super::keys::blob::BlobKey;
use super::keys::fate::FateKey;
use super::keys::frame::FrameKey;
use super::keys::meta;
use super::keys::owed::OwedKey;
use super::keys::owing::OwingKey;
use super::keys::parts::after_prefix;
use super::keys::session::SessionHeadKey;
use super::keys::stream::StreamHeadKey;
use super::load::to_json;
use super::overlay::Overlay;
use super::rows;
use super::values::batch;
use super::values::frame::FrameValue;
use super::work::{StreamWork, Work, stored_stream};
use crate::rules::check::is_owed;
use crate::rules::session::Stream;

/// Where a group collects what it does.
#[derive(Debug)]
pub(super) struct Output<'a> {
    pub(super) overlay: Overlay<'a>,
    /// The number that the next session or stream gets.
    pub(super) next_number: &'a mut u64,
    /// Batches that the listener is to be told of.
    pub(super) batches: Vec<(Arc<StreamId>, Arc<[Record]>)>,
    /// Unix ms.
    pub(super) now: u64,
}

impl Output<'_> {
    /// Applies `ops`. An error leaves the group in pieces: it must be given up.
    pub(super) fn apply(
        &mut self,
        work: &mut Work,
        key: &SessionKey,
        ops: Vec<Op>,
    ) -> Result<Committed, StoreError> {
        // Of the head, a commit changes only these; a lease ends only together with a fence.
        let head = (work.number, work.state.fences);
        let owed_nothing = work.state.owed.is_empty();
        let number = self.session_number(work);
        work.state.used = true;
        let mut committed = Committed::default();
        for op in ops {
            match op {
                Op::Append(append) => {
                    committed.appends.push(self.append(work, key, number, append));
                }
                Op::Settle(fates) => {
                    for (seq, fate) in fates {
                        self.settle(work, number, seq, &fate)?;
                    }
                }
                Op::Trim { channel, floor, before } => {
                    self.trim(work, number, &channel, floor, before)?;
                }
                Op::PutBlob { name, bytes } => {
                    self.overlay.put(BlobKey { session: number, name }.encode(), bytes);
                }
                Op::DeleteBlobs { prefix, from } => self.delete_blobs(number, &prefix, &from)?,
                Op::PutRow { expected, row } => {
                    rows::put(&mut self.overlay, work, key, number, expected, *row);
                }
                Op::ExpectRow { .. } | Op::ExpectFence { .. } | Op::ExpectTerm { .. } => {}
                Op::HandOver => work.state.fences.handovers += 1,
            }
        }
        if (work.number, work.state.fences) != head {
            self.put_head(work, key);
        }
        match (owed_nothing, work.state.owed.is_empty()) {
            (true, false) => self.overlay.put(OwingKey(key.clone()).encode(), Bytes::new()),
            (false, true) => self.overlay.remove(OwingKey(key.clone()).encode()),
            _ => {}
        }
        Ok(committed)
    }

    /// Writes the session's head.
    pub(super) fn put_head(&mut self, work: &Work, key: &SessionKey) {
        self.overlay.put(SessionHeadKey(key.clone()).encode(), to_json(&work.head()));
    }

    fn session_number(&mut self, work: &mut Work) -> u64 {
        *work.number.get_or_insert_with(|| take_number(&mut self.overlay, self.next_number))
    }

    fn append(
        &mut self,
        work: &mut Work,
        key: &SessionKey,
        session: u64,
        append: Append,
    ) -> Appended {
        work.state.admit(append.writer);
        work.touch(&append.channel);
        let (owed, frame) = (is_owed(&append), append.frame_key.clone());
        if !work.state.streams.contains_key(&append.channel) {
            let stream = self.new_stream(work, key, session, &append.channel);
            work.state.streams.insert(append.channel.clone(), stream);
        }
        let stream = work.state.streams.get_mut(&append.channel).expect("inserted above");
        let total_before = stream.data.total;
        let bytes_before = stream.head.bytes;
        let (answer, records) = stream.head.append(append, self.now);
        if records.is_empty() {
            return answer;
        }
        stream.data.total += stream.head.bytes - bytes_before;
        let number = stream.data.number;
        let first = answer.first;
        let value = batch::encode(total_before, &records);
        self.overlay.put(BatchKey { stream: number, first }.encode(), value);
        if let Some(key) = frame {
            let value = FrameValue { timestamp: answer.timestamp, count: answer.count, key };
            self.overlay.put(FrameKey { stream: number, first }.encode(), value.encode());
        }
        if owed {
            for seq in records.iter().map(|record| record.seq_num) {
                work.state.owed.insert(seq);
                self.overlay.put(OwedKey { session, seq }.encode(), Bytes::new());
            }
        }
        self.batches.push((stream.data.id.clone(), records));
        answer
    }

    fn new_stream(
        &mut self,
        work: &Work,
        key: &SessionKey,
        session: u64,
        channel: &Channel,
    ) -> Stream<StreamWork> {
        let number = take_number(&mut self.overlay, self.next_number);
        let id = Arc::new(StreamId { session: key.clone(), channel: channel.clone() });
        let head = work.state.incarnation.start();
        let stream = Stream { head, data: StreamWork { id, number, total: 0 } };
        self.put_stream(session, channel, &stream);
        stream
    }

    /// Writes the head of a stream.
    pub(super) fn put_stream(
        &mut self,
        session: u64,
        channel: &Channel,
        stream: &Stream<StreamWork>,
    ) {
        let key = StreamHeadKey { session, channel: channel.clone() };
        self.overlay.put(key.encode(), to_json(&stored_stream(stream)));
    }

    fn settle(
        &mut self,
        work: &mut Work,
        session: u64,
        seq: u64,
        fate: &Fate,
    ) -> Result<(), StoreError> {
        let was_owed = work.state.owed.remove(&seq);
        if was_owed {
            self.overlay.remove(OwedKey { session, seq }.encode());
        }
        let Some(input) = work.state.streams.get(&Channel::IN) else { return Ok(()) };
        if !(input.head.retention_floor..input.head.tail).contains(&seq) {
            return Ok(());
        }
        // What is owed has no fate yet; what is not owed may have one, and keeps it (I2).
        let key = FateKey { session, seq }.encode();
        if was_owed || self.overlay.get(&key)?.is_none() {
            self.overlay.put(key, to_json(fate));
        }
        Ok(())
    }

    fn trim(
        &mut self,
        work: &mut Work,
        session: u64,
        channel: &Channel,
        floor: Floor,
        before: u64,
    ) -> Result<(), StoreError> {
        let Some(stream) = work.state.streams.get_mut(channel) else { return Ok(()) };
        match floor {
            Floor::Replay => {
                let old = stream.head.replay_floor;
                stream.head.trim_replay(before);
                if stream.head.replay_floor == old {
                    return Ok(());
                }
            }
            Floor::Retention => {
                let to = enforce::trim(&self.overlay, stream, before)?;
                if to.records == 0 {
                    return Ok(());
                }
                enforce::move_floor(&mut self.overlay, session, channel, stream, to)?;
            }
        }
        let stream = &work.state.streams[channel];
        self.put_stream(session, channel, stream);
        work.touch(channel);
        Ok(())
    }

    fn delete_blobs(&mut self, session: u64, prefix: &str, from: &str) -> Result<(), StoreError> {
        let start = BlobKey::prefix(session, prefix.max(from));
        let end = after_prefix(&BlobKey::prefix(session, prefix));
        let keys: Vec<_> = if start < end {
            self.overlay.range(&start, &end).map(|entry| Ok(entry?.0)).collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        keys.into_iter().for_each(|key| self.overlay.remove(key));
        Ok(())
    }
}

fn take_number(overlay: &mut Overlay<'_>, next: &mut u64) -> u64 {
    let number = *next;
    *next += 1;
    overlay.put(meta::NEXT_NUMBER.to_vec(), next.to_be_bytes().to_vec());
    number
}
