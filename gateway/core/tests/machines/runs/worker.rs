//! A run at a worker, as the published SDK behaves (trigger-agent §1): messages queue, stops act on
//! arrival, a boundary names the floor and the high-water. And as processes behave: they die.

use std::collections::VecDeque;

use tidegate_core::runs::machine::Owed;
use tidegate_protocol::Record;
use tidegate_protocol::link::ExitClass;

use crate::support::rng::Rng;

/// What the run says over the link.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Ready,
    Chunk,
    /// The running turn took a message in.
    Injected(String),
    TurnDone {
        floor: Option<u64>,
        consumed: Option<u64>,
    },
    Parked(Option<u64>),
    Unparked,
    Succeed {
        upgrade: bool,
    },
    Close,
    Exit(Option<ExitClass>),
}

/// What an agent's code does every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Character {
    Sound,
    /// Asks for an upgrade before each answer.
    Upgrades,
    /// Fails in each turn.
    Fails,
    /// Exits cleanly in each turn.
    Leaves,
    /// Falls silent in each turn.
    Hangs,
    /// Drops each message and waits for the next.
    Deaf,
    /// Wants a successor as soon as it is ready.
    Restless,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Booting,
    Idle,
    Parked,
    /// So many chunks are left to write.
    Turn(u64),
    Hung,
    Gone,
}

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct First {
    /// The base payload's message.
    pub(crate) message: bool,
    /// A step that somebody else makes: nothing is answered before it is there.
    pub(crate) step: bool,
}

#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) fence: u64,
    pub(crate) character: Character,
    /// Frames that are not acknowledged, with their seq; 0 for those that have none.
    pub(crate) uplink: VecDeque<(u64, Frame)>,
    /// Records on their way to it.
    pub(crate) inbox: VecDeque<Record>,
    pub(crate) evicted: bool,
    /// Highest `.in` seq that it was sent.
    pub(crate) sent: Option<u64>,
    state: State,
    /// The base payload's message waits.
    first: First,
    /// The step is there; is it the whole answer?
    handed: Option<bool>,
    seen: Option<u64>,
    queue: VecDeque<(u64, Owed)>,
    /// Stops below are of the past.
    replay_until: u64,
    seq: u64,
}

impl Run {
    pub(crate) fn boot(
        fence: u64,
        character: Character,
        first: First,
        floor: Option<u64>,
        replay_until: u64,
    ) -> Self {
        let (uplink, inbox, queue) = Default::default();
        Self {
            fence,
            character,
            uplink,
            inbox,
            evicted: false,
            sent: floor,
            state: State::Booting,
            first,
            handed: None,
            seen: floor,
            queue,
            replay_until,
            seq: 0,
        }
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.state == State::Parked
    }

    /// Does it wait for the first step of its first answer?
    pub(crate) fn awaits_step(&self) -> bool {
        self.first.step
    }

    /// It reads `.in` itself, whatever became of its link.
    pub(crate) fn read_on(&mut self, input: &[Record]) {
        let queued = self.inbox.back().map(|record| record.seq_num);
        let from = queued.max(self.seen).max(self.sent).map_or(0, |seq| seq + 1);
        let own = |record: &&Record| Owed::of(record).is_none_or(|owed| !owed.is_hand_over());
        self.inbox.extend(input.iter().skip(from as usize).filter(own).cloned());
        self.sent = self.sent.max((input.len() as u64).checked_sub(1));
    }

    /// Highest `.in` seq that it has read.
    pub(crate) fn seen(&self) -> Option<u64> {
        self.seen
    }

    pub(crate) fn is_hung(&self) -> bool {
        self.state == State::Hung
    }

    /// Does it do nothing more by itself?
    pub(crate) fn rests(&self) -> bool {
        let quiet = self.uplink.is_empty() && self.inbox.is_empty() && !self.evicted;
        quiet && matches!(self.state, State::Parked | State::Hung | State::Gone)
    }

    /// Its connection was cut: what has no seq is not sent again.
    pub(crate) fn cut(&mut self) {
        self.uplink.retain(|(seq, _)| *seq > 0);
    }

    /// Lives for a moment. `calm`: nothing goes wrong beyond its character.
    pub(crate) fn step(&mut self, rng: &mut Rng, calm: bool) {
        match self.state {
            State::Hung | State::Gone => {}
            State::Booting if !calm && rng.one_in(10) => self.fail(rng),
            State::Booting => {
                self.say(Frame::Ready);
                self.state = State::Idle;
                if self.character == Character::Restless {
                    self.succeed(false);
                } else if std::mem::take(&mut self.first.message) {
                    self.begin(rng, calm);
                }
            }
            State::Idle | State::Parked => self.wait(rng, calm),
            State::Turn(left) => self.work(left, rng, calm),
        }
    }

    fn wait(&mut self, rng: &mut Rng, calm: bool) {
        let was_parked = self.is_parked();
        self.read();
        if self.first.step {
            return self.wait_for_step(rng, calm);
        }
        if let Some((_, job)) = self.queue.pop_front() {
            if was_parked {
                self.say(Frame::Unparked);
                self.state = State::Idle;
            }
            if job.is_answer() { self.begin(rng, calm) } else { self.exit(None) }
        } else if was_parked && (std::mem::take(&mut self.evicted) || (!calm && rng.one_in(15))) {
            self.exit(None);
        } else if !was_parked && rng.one_in(3) {
            self.say(Frame::Parked(self.seen));
            self.state = State::Parked;
        }
    }

    fn wait_for_step(&mut self, rng: &mut Rng, calm: bool) {
        let was_parked = self.is_parked();
        if let Some(last) = self.handed {
            if was_parked {
                self.say(Frame::Unparked);
            }
            self.first.step = false;
            if !calm && rng.one_in(6) {
                return self.fail(rng);
            }
            self.begin(rng, calm);
            if let State::Turn(left) = &mut self.state {
                *left = if last { 0 } else { *left + 1 };
            }
        } else if was_parked && std::mem::take(&mut self.evicted) {
            self.exit(None);
        } else if !calm && rng.one_in(20) {
            self.exit(Some(ExitClass::Crashed).filter(|_| rng.one_in(2)));
        } else if !was_parked && !calm && rng.one_in(30) {
            self.fail(rng);
        } else if !was_parked && rng.one_in(5) {
            self.say(Frame::Parked(self.seen));
            self.state = State::Parked;
        }
    }

    fn begin(&mut self, rng: &mut Rng, calm: bool) {
        self.state = State::Turn(rng.below(4));
        match self.character {
            Character::Sound if !calm && rng.one_in(15) => self.succeed(true),
            Character::Sound | Character::Restless => {}
            Character::Upgrades => self.succeed(true),
            Character::Fails => self.exit(Some(ExitClass::Failed)),
            Character::Leaves => self.exit(None),
            Character::Hangs => self.state = State::Hung,
            Character::Deaf => self.state = State::Idle,
        }
    }

    fn work(&mut self, left: u64, rng: &mut Rng, calm: bool) {
        if self.read() {
            return self.finish(rng, calm);
        }
        let risk = if self.handed.is_some() { 6 } else { 25 };
        if !calm && rng.one_in(risk) {
            return self.fail(rng);
        }
        if left == 0 {
            return self.finish(rng, calm);
        }
        self.state = State::Turn(left - 1);
        self.say(Frame::Chunk);
        let taken = self.queue.front().and_then(|(_, job)| match job {
            Owed::Answer { message, .. } => message.clone(),
            _ => None,
        });
        if let Some(id) = taken.filter(|_| rng.one_in(3)) {
            self.queue.pop_front();
            self.say(Frame::Injected(id));
        }
    }

    /// The turn ends; so does the run, at times.
    fn finish(&mut self, rng: &mut Rng, calm: bool) {
        let lowest = self.queue.iter().map(|(seq, _)| *seq).min();
        let floor = lowest.map_or(self.seen, |seq| seq.checked_sub(1));
        self.say(Frame::TurnDone { floor, consumed: self.seen });
        self.handed = None;
        self.state = State::Idle;
        match rng.below(60) {
            _ if calm => {}
            0..=4 => self.exit(None),
            // The last turn that it may have: it takes the next message and drops it.
            5..=8 => {
                self.read();
                self.queue.pop_front();
                self.exit(None);
            }
            9..=12 => self.succeed(rng.one_in(2)),
            13 => {
                self.say(Frame::Close);
                self.exit(None);
            }
            _ => {}
        }
    }

    /// Reads what has come. Answers whether a stop hit the turn that runs.
    fn read(&mut self) -> bool {
        let mut stopped = false;
        while let Some(record) = self.inbox.pop_front() {
            self.seen = self.seen.max(Some(record.seq_num));
            match Owed::of(&record) {
                Some(Owed::Stop { .. }) if record.seq_num >= self.replay_until => {
                    if matches!(self.state, State::Turn(_)) {
                        stopped = true;
                    }
                }
                Some(Owed::Stop { .. } | Owed::Preload | Owed::HandOverSkip) | None => {}
                Some(Owed::HandOver { .. }) => {
                    let last = record.body.windows(14).any(|found| found == b"isFinal\\\":true");
                    self.handed = Some(last);
                }
                Some(job) => self.queue.push_back((record.seq_num, job)),
            }
        }
        stopped
    }

    fn succeed(&mut self, upgrade: bool) {
        self.say(Frame::Succeed { upgrade });
        self.exit(None);
    }

    fn fail(&mut self, rng: &mut Rng) {
        match rng.below(5) {
            0 => self.exit(Some(ExitClass::Oom)),
            1 => self.exit(Some(ExitClass::Failed)),
            2 => self.exit(None),
            3 => self.state = State::Hung,
            _ => self.exit(Some(ExitClass::Crashed)),
        }
    }

    fn exit(&mut self, error: Option<ExitClass>) {
        self.say(Frame::Exit(error));
        self.state = State::Gone;
    }

    fn say(&mut self, frame: Frame) {
        let numbered = !matches!(frame, Frame::Ready | Frame::Parked(_) | Frame::Unparked);
        self.seq += u64::from(numbered);
        self.uplink.push_back((if numbered { self.seq } else { 0 }, frame));
    }
}
