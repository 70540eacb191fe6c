//! What a store keeps of one session, and what must hold after every commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_core::seams::store::{Append, Appended, CommitError, Committed, Fate, Op, Writer};
use tidegate_core::turns::state::{MESSAGE_PREFIX, StoredMessage};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::input::{Input, is_from_secret_key};
use tidegate_protocol::{NewRecord, Record, control};

/// What a store keeps of one session.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) input: Vec<Record>,
    pub(crate) out: Vec<Record>,
    /// Who wrote each record of `out`.
    pub(crate) writers: Vec<Writer>,
    pub(crate) fates: BTreeMap<u64, Fate>,
    /// Inputs that need a fate.
    pub(crate) owed: BTreeSet<u64>,
    /// Stops that hit no turn and were answered by a boundary of their own.
    pub(crate) idle_stops: BTreeSet<u64>,
    /// Fencing token (I4).
    pub(crate) fence: u64,
    /// Hand-overs: guests of before are refused (I4).
    pub(crate) handovers: u64,
    /// For each input, the last turn that had ended when it was appended.
    pub(crate) ended_at: BTreeMap<u64, u64>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// Of the newest record.
    timestamp: u64,
    /// First answers to frames that may be repeated.
    frames: HashMap<String, Appended>,
}

impl Disk {
    /// One atomic step, or nothing.
    pub(crate) fn commit(&mut self, ops: Vec<Op>) -> Result<Committed, CommitError> {
        let mut committed = Committed::default();
        if let Some(first) = self.admit(&ops)? {
            committed.appends.push(first);
            return Ok(committed);
        }
        let bounded = ops.iter().any(has_boundary);
        for op in ops {
            match op {
                Op::Append(append) => committed.appends.push(self.append(append)),
                Op::Settle(fates) => self.settle(fates, bounded),
                Op::PutBlob { name, bytes } => {
                    self.blobs.insert(name, bytes.to_vec());
                }
                Op::DeleteBlobs { prefix, from } => {
                    self.blobs.retain(|name, _| !name.starts_with(&prefix) || *name < from);
                }
                Op::HandOver => self.handovers += 1,
                Op::Trim { .. } => {}
                Op::PutRow { .. }
                | Op::ExpectRow { .. }
                | Op::ExpectFence { .. }
                | Op::ExpectTerm { .. } => panic!("not a machine's business"),
            }
        }
        self.check_floor();
        Ok(committed)
    }

    /// Something that came from outside.
    pub(crate) fn receive(&mut self, record: NewRecord) -> u64 {
        let seq = self.input.len() as u64;
        let timestamp = self.tick();
        let record = record.at(seq, timestamp);
        if is_owed(&record) {
            self.owed.insert(seq);
        }
        self.ended_at.insert(seq, self.last_ended());
        self.input.push(record);
        seq
    }

    /// Fences (I4), and the first answer to a frame that is repeated.
    fn admit(&mut self, ops: &[Op]) -> Result<Option<Appended>, CommitError> {
        for op in ops {
            let Op::Append(append) = op else { continue };
            if let Some(first) = append.frame_key.as_ref().and_then(|key| self.frames.get(key)) {
                return Ok(Some(Appended { repeated: true, ..*first }));
            }
            match append.writer {
                Writer::Run { fence } if fence != self.fence => {
                    return Err(CommitError::Fenced { current: self.fence });
                }
                Writer::Guest { handovers } if handovers != self.handovers => {
                    return Err(CommitError::Fenced { current: self.fence });
                }
                Writer::Gateway { bump: true } => self.fence += 1,
                _ => {}
            }
        }
        Ok(None)
    }

    fn append(&mut self, append: Append) -> Appended {
        let count = append.records.len() as u64;
        let (epoch, repeated) = (0, false);
        if append.channel == Channel::IN {
            let first = self.input.len() as u64;
            for record in append.records {
                let seq = self.receive(record);
                let hands_over = Input::of(&self.input[seq as usize]).is_hand_over();
                assert_eq!(append.owed, hands_over, "machines ask for nothing else");
                if !append.owed {
                    self.owed.remove(&seq);
                }
            }
            return Appended { epoch, first, count, timestamp: self.timestamp, repeated };
        }
        let first = self.out.len() as u64;
        let timestamp = self.tick();
        for record in append.records {
            self.writers.push(append.writer);
            self.out.push(record.at(self.out.len() as u64, timestamp));
        }
        let appended = Appended { epoch, first, count, timestamp, repeated };
        if let Some(key) = append.frame_key {
            self.frames.insert(key, appended);
        }
        appended
    }

    fn settle(&mut self, fates: Vec<(u64, Fate)>, bounded: bool) {
        for (seq, fate) in fates {
            let record = &self.input[seq as usize];
            let stop = Input::of(record) == Input::Stop;
            if bounded && stop && fate == (Fate::Applied { turn: None }) {
                assert!(is_from_secret_key(record), "nobody waits for a boundary of stop {seq}");
                self.idle_stops.insert(seq);
            }
            let old = self.fates.insert(seq, fate);
            assert_eq!(old, None, "input {seq} got a second fate");
        }
    }

    /// A boundary never claims more than is answered.
    fn check_floor(&self) {
        let Some(last) = self.out.last().filter(|record| control::is_boundary(record)) else {
            return;
        };
        let Some(floor) = last.header(control::IN_EVENT_ID) else { return };
        let floor: u64 = floor.parse().expect("a seq");
        for seq in self.open().filter(|seq| Input::of(&self.input[*seq as usize]).is_owed()) {
            assert!(seq > floor, "floor {floor} is above {seq}");
        }
    }

    /// Inputs that still need a fate.
    pub(crate) fn open(&self) -> impl Iterator<Item = u64> + '_ {
        self.owed.iter().copied().filter(|seq| !self.fates.contains_key(seq))
    }

    /// The next timestamp.
    pub(crate) fn tick(&mut self) -> u64 {
        self.timestamp += 1;
        self.timestamp
    }

    /// The last turn that has ended.
    fn last_ended(&self) -> u64 {
        let turn = |fate: &Fate| match fate {
            Fate::Answered { turn } => *turn,
            _ => 0,
        };
        self.fates.values().map(turn).max().unwrap_or(0)
    }

    pub(crate) fn messages(&self) -> Vec<StoredMessage> {
        let blobs = self.blobs.iter().filter(|(name, _)| name.starts_with(MESSAGE_PREFIX));
        blobs.map(|(_, bytes)| StoredMessage::parse(bytes).expect("stored by us")).collect()
    }

    pub(crate) fn boundaries(&self) -> impl Iterator<Item = &Record> + '_ {
        self.out.iter().filter(|record| control::is_boundary(record))
    }
}

pub(crate) fn is_owed(record: &Record) -> bool {
    Input::of(record) != Input::Opaque
}

fn has_boundary(op: &Op) -> bool {
    let Op::Append(append) = op else { return false };
    append.records.iter().any(|record| control::is_boundary(&record.clone().at(0, 0)))
}
