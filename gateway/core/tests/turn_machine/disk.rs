//! What a store keeps of one session, and what must hold after every commit.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::seams::store::{Appended, Committed, Fate, Op};
use tidegate_core::turns::state::{MESSAGE_PREFIX, StoredMessage};
use tidegate_protocol::input::{Input, is_from_secret_key};
use tidegate_protocol::{Record, control};

/// What a store keeps of one session.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) input: Vec<Record>,
    pub(crate) out: Vec<Record>,
    pub(crate) fates: BTreeMap<u64, Fate>,
    /// Stops that hit no turn and were answered by a boundary of their own.
    pub(crate) idle_stops: BTreeSet<u64>,
    /// Of the newest record.
    timestamp: u64,
    /// For each input, the last turn that had ended when it was appended.
    pub(crate) ended_at: BTreeMap<u64, u64>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    pub(crate) fn commit(&mut self, ops: Vec<Op>) -> Committed {
        let mut committed = Committed::default();
        let bounded = ops.iter().any(|op| match op {
            Op::Append(append) => {
                append.records.iter().any(|record| control::is_boundary(&record.clone().at(0, 0)))
            }
            _ => false,
        });
        for op in ops {
            match op {
                Op::Append(append) => {
                    let first = self.out.len() as u64;
                    let count = append.records.len() as u64;
                    let timestamp = self.tick();
                    for record in append.records {
                        self.out.push(record.at(self.out.len() as u64, timestamp));
                    }
                    let (epoch, repeated) = (0, false);
                    committed.appends.push(Appended { epoch, first, count, timestamp, repeated });
                }
                Op::Settle(fates) => {
                    for (seq, fate) in fates {
                        if bounded && fate == (Fate::Applied { turn: None }) {
                            assert!(is_from_secret_key(&self.input[seq as usize]));
                            self.idle_stops.insert(seq);
                        }
                        let old = self.fates.insert(seq, fate);
                        assert_eq!(old, None, "input {seq} got a second fate");
                    }
                }
                Op::PutBlob { name, bytes } => {
                    self.blobs.insert(name, bytes.to_vec());
                }
                Op::DeleteBlobs { prefix, from } => {
                    self.blobs.retain(|name, _| !name.starts_with(&prefix) || *name < from);
                }
                Op::Trim { .. } => {}
                Op::PutRow { .. }
                | Op::ExpectRow { .. }
                | Op::ExpectFence { .. }
                | Op::HandOver => {
                    panic!("not the turn machine's business")
                }
            }
        }
        self.check_floor(committed.appends.first());
        committed
    }

    /// A boundary never claims more than is answered.
    pub(crate) fn check_floor(&self, appended: Option<&Appended>) {
        let Some(last) = appended.and_then(|at| self.out.get((at.first + at.count - 1) as usize))
        else {
            return;
        };
        let Some(floor) = last.header(control::IN_EVENT_ID) else { return };
        let floor: u64 = floor.parse().expect("a seq");
        for record in self.input.iter().filter(|record| is_owed(record)) {
            let open = !self.fates.contains_key(&record.seq_num);
            assert!(!open || record.seq_num > floor, "floor {floor} is above {}", record.seq_num);
        }
    }

    /// The next timestamp.
    pub(crate) fn tick(&mut self) -> u64 {
        self.timestamp += 1;
        self.timestamp
    }

    /// The last turn that has ended.
    pub(crate) fn last_ended(&self) -> u64 {
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
}

pub(crate) fn is_owed(record: &Record) -> bool {
    Input::of(record) != Input::Opaque
}
