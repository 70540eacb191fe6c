//! What a store keeps of one session, and what must hold after every commit.

use std::collections::BTreeMap;

use tidegate_core::seams::store::{Appended, Committed, Fate, Op};
use tidegate_core::turns::state::{MESSAGE_PREFIX, StoredMessage};
use tidegate_protocol::input::Input;
use tidegate_protocol::{Record, control};

/// What a store keeps of one session.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) input: Vec<Record>,
    pub(crate) out: Vec<Record>,
    pub(crate) fates: BTreeMap<u64, Fate>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    pub(crate) fn commit(&mut self, ops: Vec<Op>) -> Committed {
        let mut committed = Committed::default();
        for op in ops {
            match op {
                Op::Append(append) => {
                    let first = self.out.len() as u64;
                    let count = append.records.len() as u64;
                    for record in append.records {
                        self.out.push(record.at(self.out.len() as u64, 0));
                    }
                    let (epoch, timestamp, repeated) = (0, 0, false);
                    committed.appends.push(Appended { epoch, first, count, timestamp, repeated });
                }
                Op::Settle(fates) => {
                    for (seq, fate) in fates {
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
                Op::PutRow { .. } | Op::HandOver => panic!("not the turn machine's business"),
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

    pub(crate) fn messages(&self) -> Vec<StoredMessage> {
        let blobs = self.blobs.iter().filter(|(name, _)| name.starts_with(MESSAGE_PREFIX));
        blobs.map(|(_, bytes)| StoredMessage::parse(bytes).expect("stored by us")).collect()
    }
}

pub(crate) fn is_owed(record: &Record) -> bool {
    Input::of(record) != Input::Opaque
}
