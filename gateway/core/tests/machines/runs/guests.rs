//! Server code that makes the first step of an answer (R-HDS-1 to R-HDS-9), and dies as well.

use tidegate_core::runs::machine::head_start::Opening;
use tidegate_core::runs::opened::HeadStart;
use tidegate_core::seams::store::{Append, Op, Writer};
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::Channel;

use super::world::World;
use crate::support::inputs::{ERROR, SKIP, hand_over};

/// Longer and shorter than a run may be silent.
pub(crate) const WAITS_MS: [u64; 2] = [3_000, 8_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    HandsOver {
        last: bool,
    },
    Skips,
    /// Fails after it has said so to the readers.
    Errs,
    /// Goes away without a word.
    Dies,
    /// Comes with its hand-over when nobody waits for it any more.
    Late,
}

/// Server code in the middle of a first step.
#[derive(Debug)]
pub(crate) struct Guest {
    /// The turn that it begins.
    turn: u64,
    /// Count of hand-overs when it got its credentials.
    handovers: u64,
    /// So many chunks are left to write.
    left: u64,
    end: End,
    /// When it goes on, if it is late.
    wakes_at: u64,
}

impl World {
    /// What a create asks for.
    pub(crate) fn ask(&mut self) -> HeadStart {
        self.asked += 1;
        HeadStart {
            message: format!("h{}", self.asked),
            first: true,
            at: self.now,
            wait_ms: WAITS_MS[self.rng.below(2) as usize],
            by_gateway: None,
            handed: None,
        }
    }

    /// Server code begins to answer: its head start is open.
    pub(crate) fn begin_guest(&mut self, open: &HeadStart) {
        let end = match self.rng.below(12) {
            0..=3 => End::HandsOver { last: false },
            4..=6 => End::HandsOver { last: true },
            7 => End::Skips,
            8 => End::Errs,
            9 => End::Dies,
            _ => End::Late,
        };
        let turn = self.book().turn + 1;
        self.heads.push(turn);
        self.guests.push(Guest {
            turn,
            handovers: self.disk.handovers,
            left: self.rng.below(4),
            end,
            wakes_at: self.now + open.wait_ms * 2,
        });
    }

    /// A create of a session that is there opens a head start (R-HDS-9).
    pub(crate) fn open(&mut self) {
        if self.closed || !self.has_guests || !self.read_inputs() {
            return;
        }
        self.machine.settle_stops();
        self.perform();
        let open = self.ask();
        let ops = match self.machine.handle_open(open.clone(), self.now) {
            Opening::Opened(ops) => ops,
            Opening::Refused => return,
            Opening::Repeated => panic!("nobody asked for {open:?} before"),
        };
        if self.breaks(30) {
            return;
        }
        self.commit(ops).expect("the gateway is not fenced");
        self.begin_guest(&open);
        // Its create is not answered if the gateway goes away here, so it asks again.
        if self.breaks(30) {
            // If a stop has ended it meanwhile, it would be a new one.
            if self.machine.book().head_start.is_some() {
                let again = self.machine.handle_open(open, self.now);
                assert!(!matches!(again, Opening::Opened(_)), "one create, two head starts");
            }
            return;
        }
        self.machine.handle_opened(self.now);
        self.perform();
    }

    /// One of the guests does something.
    pub(crate) fn hear_guest(&mut self) {
        if self.guests.is_empty() {
            return;
        }
        let index = self.rng.below(self.guests.len() as u64) as usize;
        let mut guest = self.guests.swap_remove(index);
        if guest.left > 0 {
            guest.left -= 1;
            let text = format!("{{\"guest\":{}}}", guest.turn);
            if self.write_as(&guest, &text) || self.rng.one_in(3) {
                self.guests.push(guest);
            }
            return;
        }
        match guest.end {
            End::Late if guest.wakes_at > self.now => self.guests.push(guest),
            End::Late => self.hand_over(&hand_over(false)),
            End::HandsOver { last } => self.hand_over(&hand_over(last)),
            End::Errs => {
                self.write_as(&guest, ERROR);
                self.hand_over(SKIP);
            }
            End::Skips => self.hand_over(SKIP),
            End::Dies => {}
        }
    }

    /// Is it taken?
    fn write_as(&mut self, guest: &Guest, text: &str) -> bool {
        let append = Append {
            channel: Channel::OUT,
            writer: Writer::Guest { handovers: guest.handovers },
            frame_key: None,
            records: vec![NewRecord::data(text.as_bytes(), "g")],
            owed: false,
        };
        let written = self.disk.commit(vec![Op::Append(append)]).is_ok();
        if written {
            self.wrote_at = self.now;
        } else {
            self.refused += 1;
        }
        written
    }

    /// The append and the end of the guests' time are one commit.
    fn hand_over(&mut self, text: &str) {
        if !self.closed {
            self.append(text, true);
            self.disk.commit(vec![Op::HandOver]).expect("not fenced");
        }
    }
}
