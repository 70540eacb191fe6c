//! What `runs/driver` does, without tasks and sockets.

use tidegate_core::runs::machine::Effect;
use tidegate_core::runs::machine::Owed;
use tidegate_core::seams::store::{Append, CommitError, Op, Writer};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::link::{Cause, ExitError};
use tidegate_protocol::{NewRecord, control};

use super::worker::{First, Frame, Run};
use super::world::World;
use crate::support::inputs::STOP;

impl World {
    /// Performs every effect; between any two the gateway may crash, or its store fail. Answers
    /// `false` if that has happened.
    pub(crate) fn perform(&mut self) -> bool {
        while let Some(effect) = self.machine.poll_effect() {
            if self.breaks(60) {
                return false;
            }
            match effect {
                Effect::Place => self.placing = true,
                Effect::BeginStep(input) => self.begin_step(input),
                Effect::CancelStep => self.cancel_step(),
                Effect::KeepFloor => self.keep_floor(),
                Effect::KeepEnd => self.keep_end(),
                Effect::Unplace => (self.placing, self.slot) = (false, false),
                Effect::Fence => {
                    self.disk.fence += 1;
                    if self.slot {
                        self.note_out();
                        self.machine.handle_fenced(self.disk.fence, "1", "w", self.now);
                    }
                }
                Effect::Commit(ops) => {
                    // A client may append while the commit is under way.
                    if !self.calm && self.rng.one_in(8) {
                        self.append_any();
                    }
                    self.commit(ops).expect("the gateway is not fenced");
                }
                Effect::Boot => self.boot(),
                Effect::Deliver => self.deliver(),
                Effect::Evict => {
                    if let Some(run) = &mut self.work {
                        run.evicted = true;
                    }
                }
                Effect::End(_) => self.let_go(),
                Effect::StopAgain => {
                    self.stops_repeated += 1;
                    let append = append_to(Channel::IN, Writer::Gateway { bump: false }, "s", STOP);
                    self.commit(vec![append]).expect("the gateway is not fenced");
                    self.deliver();
                }
            }
        }
        self.check_step();
        true
    }

    /// Does the gateway crash here, or its store fail, once in `n`?
    pub(crate) fn breaks(&mut self, n: u64) -> bool {
        if self.calm || !self.rng.one_in(n) {
            return false;
        }
        if self.rng.one_in(3) {
            self.fail_store();
        } else {
            self.crash();
        }
        true
    }

    fn boot(&mut self) {
        assert!(self.work.is_none(), "two runs are live");
        let book = self.machine.book();
        let Some(current) = book.current.clone().filter(|_| self.slot) else { return };
        self.slot = false;
        assert_eq!(current.fence, self.disk.fence, "a run boots under the newest fence");
        assert!(current.fence > self.newest, "a run boots under a fence of its own");
        self.check_saved();
        let book = self.machine.book();
        let initial = book.number == 1 && book.initial && book.head_start.is_none();
        let (floor, tail) = (book.floor, self.disk.input.len() as u64);
        self.newest = current.fence;
        self.boots += 1;
        self.out_at_boot = self.disk.out.len();
        self.delivered = floor;
        let first = First { message: initial, step: book.head_start.is_some() };
        self.work = Some(Run::boot(current.fence, self.character, first, floor, tail));
        self.deliver();
    }

    pub(crate) fn deliver(&mut self) {
        let Some(run) = &mut self.work else { return };
        let from = self.delivered.map_or(0, |seq| seq + 1) as usize;
        for record in self.disk.input.iter().skip(from) {
            if self.machine.withholds(record) {
                return;
            }
            self.delivered = Some(record.seq_num);
            if self.machine.shows(record) {
                let stray = Owed::of(record).is_some_and(|owed| owed.is_hand_over());
                assert!(!stray || run.awaits_step(), "{record:?} is not for this run");
                run.sent = Some(record.seq_num);
                run.inbox.push_back(record.clone());
            }
        }
    }

    /// The gateway takes nothing from the run any more; the run may not have heard of it.
    fn let_go(&mut self) {
        if let Some(run) = self.work.take()
            && !self.calm
            && self.rng.one_in(2)
        {
            self.zombies.push(run);
        }
    }

    /// Hands in what is new.
    pub(crate) fn read_inputs(&mut self) -> bool {
        loop {
            let next = self.machine.seen().map_or(0, |seq| seq + 1);
            let Some(record) = self.disk.input.get(next as usize).cloned() else { return true };
            let is_of_turn = Owed::of(&record).is_some_and(|owed| owed.is_of_turn());
            if is_of_turn || self.machine.may_overtake() {
                self.note_out();
            }
            self.machine.handle_input(&record, self.now);
            if !self.perform() {
                return false;
            }
        }
    }

    /// Takes the next frame of the live run.
    pub(crate) fn hear(&mut self) {
        let Some(run) = &mut self.work else { return };
        let (fence, Some(heard)) = (run.fence, run.uplink.pop_front()) else { return };
        self.hearing = Some(heard.clone());
        let (seq, frame) = heard;
        let key = format!("{fence}:{seq}");
        let done = match frame {
            Frame::Exit(class) => {
                self.read_inputs() && {
                    self.note_out();
                    let error = class.map(|class| ExitError { class, message: "x".to_owned() });
                    self.machine.handle_exit(error.as_ref(), self.now);
                    true
                }
            }
            Frame::Parked(seen) => {
                self.read_inputs() && {
                    self.machine.handle_parked(seen, self.now);
                    true
                }
            }
            frame => self.take(frame, fence, key),
        };
        if done && self.perform() {
            self.hearing = None;
        }
    }

    fn take(&mut self, frame: Frame, fence: u64, key: String) -> bool {
        let now = self.now;
        match frame {
            Frame::Ready => self.machine.handle_ready(now),
            Frame::Unparked => self.machine.handle_unparked(now),
            Frame::Succeed { upgrade } => {
                self.machine.handle_succession(self.machine.book().number, upgrade, now);
            }
            Frame::Close => {
                self.machine.handle_closed();
                if !self.closed {
                    return self.close(fence, key);
                }
            }
            Frame::Injected(id) => {
                self.injected.insert(id.clone());
                self.machine.handle_injected(vec![id]);
                return self.write(vec![NewRecord::data(b"{}", "i")], fence, key);
            }
            Frame::TurnDone { floor, consumed } => {
                let records = vec![control::boundary(floor, consumed, None)];
                return self.boundary(records, floor, consumed, fence, key);
            }
            _ => return self.write(vec![NewRecord::data(b"{}", "c")], fence, key),
        }
        true
    }

    /// Records of the live run.
    fn write(&mut self, records: Vec<NewRecord>, fence: u64, key: String) -> bool {
        if self.breaks(120) {
            return false;
        }
        let appended = self.commit(vec![append_out(records, fence, key)]);
        self.lost_if_fenced(appended.err());
        true
    }

    /// The run closes its session: the row and the record are one commit.
    fn close(&mut self, fence: u64, key: String) -> bool {
        let before = self.disk.out.len();
        let closed = control::session_closed(None);
        let done = self.write(vec![closed], fence, key);
        self.closed = self.disk.out.len() > before;
        done
    }

    fn lost_if_fenced(&mut self, error: Option<CommitError>) {
        if let Some(error) = error {
            assert!(matches!(error, CommitError::Fenced { .. }), "{error}");
            self.machine.handle_lost(Cause::Cancelled, self.now);
        }
    }

    fn boundary(
        &mut self,
        records: Vec<NewRecord>,
        floor: Option<u64>,
        consumed: Option<u64>,
        fence: u64,
        key: String,
    ) -> bool {
        if !self.read_inputs() || self.breaks(60) {
            return false;
        }
        let plan = self.machine.plan_boundary(floor, consumed);
        let ops =
            vec![append_out(records, fence, key), Op::Settle(plan.fates.clone()), plan.book.put()];
        match self.commit(ops) {
            Ok(committed) if committed.appends[0].repeated => {}
            Ok(committed) => {
                let answered: Vec<u64> = plan.fates.iter().map(|(seq, _)| *seq).collect();
                self.agent_saves(committed.appends[0].first, plan.book.floor, &answered);
                self.machine.handle_boundary(plan, self.now);
            }
            Err(error) if self.work.as_ref().is_some_and(|run| run.fence == fence) => {
                self.lost_if_fenced(Some(error));
            }
            Err(_) => {}
        }
        true
    }

    /// A run that was given up writes on, over HTTP.
    pub(crate) fn hear_zombie(&mut self) {
        if self.zombies.is_empty() {
            return;
        }
        let index = self.rng.below(self.zombies.len() as u64) as usize;
        let zombie = &mut self.zombies[index];
        if self.has_guests && !self.calm {
            zombie.read_on(&self.disk.input);
        }
        zombie.step(&mut self.rng, false);
        let fence = zombie.fence;
        let Some((seq, frame)) = zombie.uplink.pop_front() else {
            self.zombies.swap_remove(index);
            return;
        };
        let key = format!("{fence}:{seq}");
        match frame {
            Frame::Chunk => {
                let accepted = self.commit(vec![append_out(vec![chunk()], fence, key)]).is_ok();
                assert!(!accepted || fence >= self.newest, "a run of the past writes");
            }
            Frame::Injected(id) => {
                let accepted = self.commit(vec![append_out(vec![chunk()], fence, key)]).is_ok();
                if accepted {
                    self.injected.insert(id.clone());
                    self.machine.handle_injected(vec![id]);
                }
            }
            Frame::TurnDone { floor, consumed } => {
                let records = vec![control::boundary(floor, consumed, None)];
                if self.boundary(records, floor, consumed, fence, key) {
                    self.perform();
                }
            }
            _ => {}
        }
    }
}

fn chunk() -> NewRecord {
    NewRecord::data(b"{}", "c")
}

fn append_out(records: Vec<NewRecord>, fence: u64, key: String) -> Op {
    let (channel, writer) = (Channel::OUT, Writer::Run { fence });
    Op::Append(Append { channel, writer, frame_key: Some(key), records, owed: false })
}

fn append_to(channel: Channel, writer: Writer, id: &str, text: &str) -> Op {
    let records = vec![NewRecord::text(text, id)];
    Op::Append(Append { channel, writer, frame_key: None, records, owed: false })
}
