//! A store as naive as can be: what a store must do, written once more without any care for
//! speed. A commit works on a copy of the session, which replaces it if all went well.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tidegate_core::seams::store::{
    Append, Appended, Commit, CommitError, Committed, Fate, Floor, Lease, LeaseError, LeaseRequest,
    Op, Retention, StreamState, Writer,
};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_protocol::limits::{
    EPOCH_SEQ_STRIDE, FRAME_KEY_TTL_MS, OWED_MAX, OWED_SIGNALS_MAX, RECORD_MAX_BYTES,
};

/// All sessions.
#[derive(Debug, Default)]
pub struct Model {
    /// By key, also deleted ones.
    pub sessions: BTreeMap<SessionKey, Session>,
}

/// One session.
#[derive(Clone, Debug, Default)]
pub struct Session {
    epoch: u64,
    base: u64,
    used: bool,
    fence: u64,
    handovers: u64,
    lease: Option<(String, u64)>,
    streams: BTreeMap<Channel, Stream>,
    /// Seqs without a fate.
    pub owed: BTreeSet<u64>,
    /// Fates of the inputs that are still held.
    pub fates: BTreeMap<u64, Fate>,
    /// Blobs by name.
    pub blobs: BTreeMap<String, Bytes>,
    /// The row.
    pub row: Option<SessionRow>,
}

#[derive(Clone, Debug, Default)]
struct Stream {
    /// Those from the retention floor on.
    records: Vec<Record>,
    tail: u64,
    retention_floor: u64,
    replay_floor: u64,
    last_timestamp: u64,
    frames: Vec<(String, Appended)>,
}

impl Model {
    /// See the seam.
    pub fn commit(&mut self, commit: &Commit, now: u64) -> Result<Committed, CommitError> {
        let old = self.sessions.get(&commit.session).cloned().unwrap_or_default();
        let repeated = old.repeated(&commit.ops, now);
        if !repeated.is_empty() {
            return Ok(Committed { appends: repeated });
        }
        let mut new = old;
        new.used = true;
        let mut committed = Committed::default();
        for op in &commit.ops {
            new.apply(op, now, &mut committed)?;
        }
        self.sessions.insert(commit.session.clone(), new);
        Ok(committed)
    }

    /// See the seam.
    pub fn lease(
        &mut self,
        key: &SessionKey,
        request: &LeaseRequest,
        now: u64,
    ) -> Result<Lease, LeaseError> {
        let session = self.sessions.entry(key.clone()).or_default();
        let (LeaseRequest::Take { holder, .. } | LeaseRequest::Release { holder }) = request;
        let mine = session.lease.as_ref().is_some_and(|(name, _)| name == holder);
        if let Some((other, until)) = &session.lease
            && !mine
            && *until > now
        {
            return Err(LeaseError::Held { holder: other.clone(), until: *until });
        }
        let until = match request {
            LeaseRequest::Take { ttl_ms, .. } => {
                session.fence += u64::from(!mine);
                session.lease = Some((holder.clone(), now + ttl_ms));
                now + ttl_ms
            }
            LeaseRequest::Release { .. } => {
                if mine {
                    session.lease = None;
                }
                now
            }
        };
        Ok(Lease { holder: holder.clone(), fence: session.fence, until })
    }

    /// See the seam.
    pub fn delete(&mut self, key: &SessionKey) {
        let Some(old) = self.sessions.get_mut(key) else { return };
        let gone = u64::from(old.used);
        let highest = old.streams.values().map(|stream| stream.tail).max().unwrap_or(0);
        let next = highest.max(old.base) + EPOCH_SEQ_STRIDE;
        *old = Session {
            epoch: old.epoch + gone,
            base: if old.used { next } else { old.base },
            fence: old.fence + gone,
            handovers: old.handovers + gone,
            ..Session::default()
        };
    }

    /// See the seam.
    pub fn enforce(&mut self, rules: &Retention, now: u64) -> u64 {
        self.sessions.values_mut().map(|session| session.enforce(rules, now)).sum()
    }

    /// Sessions that owe something and have no live lease.
    pub fn unserved(&self, now: u64) -> Vec<SessionKey> {
        let unserved = self.sessions.iter().filter(|(_, session)| {
            let leased = session.lease.as_ref().is_some_and(|(_, until)| *until > now);
            !session.owed.is_empty() && !leased
        });
        unserved.map(|(key, _)| key.clone()).collect()
    }

    /// Sessions that expire or whose retention has passed.
    pub fn over(&self, ttl: u64, now: u64) -> BTreeSet<SessionKey> {
        let is_over = |row: &SessionRow| match (row.closed_at, row.expires_at) {
            (Some(at), _) => at + ttl <= now,
            (None, Some(at)) => at <= now,
            (None, None) => false,
        };
        let rows = self.sessions.iter().filter(|(_, s)| s.row.as_ref().is_some_and(is_over));
        rows.map(|(key, _)| key.clone()).collect()
    }
}

impl Session {
    /// See the seam.
    pub fn state(&self, channel: &Channel) -> StreamState {
        let fresh = self.fresh();
        let stream = self.streams.get(channel).unwrap_or(&fresh);
        StreamState {
            epoch: self.epoch,
            tail: stream.tail,
            base: self.base,
            retention_floor: stream.retention_floor,
            replay_floor: stream.replay_floor,
            bytes: stream.records.iter().map(|record| record.metered_len() as u64).sum(),
            last_timestamp: stream.last_timestamp,
            fence: self.fence,
            handovers: self.handovers,
        }
    }

    /// All records that are held.
    pub fn records(&self, channel: &Channel) -> &[Record] {
        self.streams.get(channel).map_or(&[], |stream| &stream.records)
    }

    fn fresh(&self) -> Stream {
        let at = self.base;
        Stream { tail: at, retention_floor: at, replay_floor: at, ..Stream::default() }
    }

    fn repeated(&self, ops: &[Op], now: u64) -> Vec<Appended> {
        let known = |op: &Op| {
            let Op::Append(append) = op else { return None };
            let key = append.frame_key.as_ref()?;
            let frames = &self.streams.get(&append.channel)?.frames;
            let (_, answer) = frames.iter().rev().find(|(known, _)| known == key)?;
            let fresh = answer.timestamp + FRAME_KEY_TTL_MS > now;
            fresh.then_some(Appended { repeated: true, ..*answer })
        };
        ops.iter().filter_map(known).collect()
    }

    fn apply(&mut self, op: &Op, now: u64, to: &mut Committed) -> Result<(), CommitError> {
        match op {
            Op::Append(append) => to.appends.push(self.append(append, now)?),
            Op::Settle(fates) => fates.iter().for_each(|(seq, fate)| self.settle(*seq, fate)),
            Op::Trim { channel, floor, before } => self.trim(channel, *floor, *before),
            Op::PutBlob { name, bytes } => {
                self.blobs.insert(name.clone(), bytes.clone());
            }
            Op::DeleteBlobs { prefix, from } => {
                self.blobs.retain(|name, _| !name.starts_with(prefix) || name < from);
            }
            Op::PutRow { expected, row } => {
                let current = self.row.as_ref().map(|row| row.version);
                if current != *expected {
                    return Err(CommitError::RowChanged { current });
                }
                let version = current.unwrap_or(0) + 1;
                self.row = Some(SessionRow { version, ..(**row).clone() });
            }
            Op::ExpectRow { version } => {
                let current = self.row.as_ref().map(|row| row.version);
                if current != Some(*version) {
                    return Err(CommitError::RowChanged { current });
                }
            }
            Op::ExpectFence { fence } if *fence != self.fence => {
                return Err(CommitError::Fenced { current: self.fence });
            }
            // Terms are the fleet's, which the model has none of.
            Op::ExpectFence { .. } | Op::ExpectTerm { .. } => {}
            Op::HandOver => self.handovers += 1,
        }
        Ok(())
    }

    fn append(&mut self, append: &Append, now: u64) -> Result<Appended, CommitError> {
        let allowed = match append.writer {
            Writer::Run { fence } => fence == self.fence,
            Writer::Guest { handovers } => handovers == self.handovers,
            Writer::Gateway { .. } | Writer::Client => true,
        };
        if !allowed {
            return Err(CommitError::Fenced { current: self.fence });
        }
        if append.writer == (Writer::Gateway { bump: true }) {
            self.fence += 1;
            self.lease = None;
        }
        let largest = append.records.iter().map(|record| record.metered_len()).max();
        if let Some(bytes) = largest.filter(|bytes| *bytes > RECORD_MAX_BYTES) {
            return Err(CommitError::RecordTooLarge { bytes });
        }
        let owed = append.owed && append.channel == Channel::IN;
        let signals = match append.writer {
            Writer::Gateway { .. } => OWED_SIGNALS_MAX,
            _ => 0,
        };
        if owed && self.owed.len() + append.records.len() > OWED_MAX + signals {
            return Err(CommitError::TooManyOwed { owed: self.owed.len() });
        }
        let (epoch, fresh) = (self.epoch, self.fresh());
        let stream = self.streams.entry(append.channel.clone()).or_insert(fresh);
        let timestamp = stream.last_timestamp.max(now);
        let first = stream.tail;
        for record in &append.records {
            stream.records.push(record.clone().at(stream.tail, timestamp));
            stream.last_timestamp = timestamp;
            stream.tail += 1;
        }
        let count = append.records.len() as u64;
        let answer = Appended { epoch, first, count, timestamp, repeated: false };
        if let Some(key) = &append.frame_key {
            stream.frames.push((key.clone(), answer));
        }
        if owed {
            self.owed.extend(first..first + count);
        }
        Ok(answer)
    }

    fn settle(&mut self, seq: u64, fate: &Fate) {
        self.owed.remove(&seq);
        if self.records(&Channel::IN).iter().any(|record| record.seq_num == seq) {
            self.fates.entry(seq).or_insert_with(|| fate.clone());
        }
    }

    fn trim(&mut self, channel: &Channel, floor: Floor, before: u64) {
        let Some(stream) = self.streams.get_mut(channel) else { return };
        let before = before.min(stream.tail);
        stream.replay_floor = stream.replay_floor.max(before);
        if floor == Floor::Retention {
            stream.retention_floor = stream.retention_floor.max(before);
            self.forget(channel);
        }
    }

    fn enforce(&mut self, rules: &Retention, now: u64) -> u64 {
        let mut dropped = 0;
        for channel in self.streams.keys().cloned().collect::<Vec<_>>() {
            while self.must_drop(&channel, rules, now) {
                let stream = self.streams.get_mut(&channel).expect("one of the keys");
                stream.retention_floor += 1;
                stream.replay_floor = stream.replay_floor.max(stream.retention_floor);
                self.forget(&channel);
                dropped += 1;
            }
        }
        dropped
    }

    fn must_drop(&self, channel: &Channel, rules: &Retention, now: u64) -> bool {
        let records = self.records(channel);
        let [oldest, _, ..] = records else { return false };
        let bytes: usize = records.iter().map(Record::metered_len).sum();
        let owed = *channel == Channel::IN && self.owed.contains(&oldest.seq_num);
        let asked = oldest.timestamp + rules.ttl_ms < now
            || records.len() as u64 > rules.records
            || bytes as u64 > rules.bytes;
        asked && !owed
    }

    fn forget(&mut self, channel: &Channel) {
        let Some(stream) = self.streams.get_mut(channel) else { return };
        let floor = stream.retention_floor;
        stream.records.retain(|record| record.seq_num >= floor);
        if *channel == Channel::IN {
            self.fates.retain(|seq, _| *seq >= floor);
        }
    }
}
