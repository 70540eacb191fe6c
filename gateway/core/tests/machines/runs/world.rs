//! A client, a gateway that crashes, and workers that fail, driven by one seed.

use std::collections::BTreeSet;

use tidegate_core::runs::RunLimits;
use tidegate_core::runs::book::{BOOK_BLOB, Book, RunRow, run_name};
use tidegate_core::runs::machine::Machine;
use tidegate_core::runs::machine::Owed;
use tidegate_core::seams::store::{CommitError, Committed, Fate, Op};
use tidegate_protocol::{NewRecord, control};

use super::guests::Guest;
use super::stepping::Steps;
use super::worker::{Character, Frame, Run};
use crate::support::disk::Disk;
use crate::support::inputs::{REGENERATE, STOP, message, trigger};
use crate::support::rng::Rng;

const LIMITS: RunLimits = RunLimits { idle_ms: 5_000 };

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) disk: Disk,
    pub(crate) machine: Machine,
    /// The live run, as the gateway knows it.
    pub(crate) work: Option<Run>,
    /// A run whose gateway went away, and that looks for it.
    pub(crate) orphan: Option<Run>,
    /// Runs that the gateway has given up and that don't know it.
    pub(crate) zombies: Vec<Run>,
    pub(crate) placing: bool,
    pub(crate) slot: bool,
    /// Highest `.in` seq that was pushed to the run.
    pub(crate) delivered: Option<u64>,
    pub(crate) out_at_boot: usize,
    /// The frame that is being taken.
    pub(crate) hearing: Option<(u64, Frame)>,
    pub(crate) character: Character,
    /// Nothing goes wrong any more.
    pub(crate) calm: bool,
    pub(crate) closed: bool,
    pub(crate) boots: u64,
    /// Highest fence of a run that has booted (I4).
    pub(crate) newest: u64,
    pub(crate) stops_repeated: u64,
    /// Inputs that the machine had not read when it ended the turn at which they were meant.
    pub(crate) unread: BTreeSet<u64>,
    pub(crate) now: u64,
    pub(crate) wrote_at: u64,
    /// Server code makes head starts, and runs that were given up read on.
    pub(crate) has_guests: bool,
    pub(crate) guests: Vec<Guest>,
    /// Turns that began with a head start.
    pub(crate) heads: Vec<u64>,
    /// Creates that asked for one.
    pub(crate) asked: u64,
    /// Messages that a running turn has taken in; a gateway that crashes forgets it.
    pub(crate) injected: BTreeSet<String>,
    /// Records of guests that were refused.
    pub(crate) refused: u64,
    pub(crate) steps: Steps,
    users: u64,
}

impl World {
    /// A session as it is when it was created. `initial`: its base payload holds a message.
    pub(crate) fn new(seed: u64, character: Character, initial: bool) -> Self {
        let mut disk = Disk::default();
        let book = Book { wanted: true, initial, ..Book::default() };
        disk.commit(vec![book.put()]).expect("unfenced");
        let mut world = Self {
            rng: Rng::new(seed),
            machine: machine(&disk, 0),
            disk,
            work: None,
            orphan: None,
            zombies: Vec::new(),
            placing: false,
            slot: false,
            delivered: None,
            out_at_boot: 0,
            hearing: None,
            character,
            calm: true,
            closed: false,
            boots: 0,
            newest: 0,
            stops_repeated: 0,
            unread: BTreeSet::new(),
            now: 0,
            wrote_at: 0,
            has_guests: false,
            guests: Vec::new(),
            heads: Vec::new(),
            asked: 0,
            injected: BTreeSet::new(),
            refused: 0,
            steps: Steps::default(),
            users: 0,
        };
        world.restore();
        world
    }

    /// A session whose create opened a head start.
    pub(crate) fn with_head_start(seed: u64, character: Character) -> Self {
        let mut world = Self::new(seed, character, false);
        (world.disk, world.has_guests) = (Disk::default(), true);
        let open = world.ask();
        let book = Book { wanted: true, head_start: Some(open.clone()), ..Book::default() };
        world.disk.commit(vec![book.put()]).expect("unfenced");
        world.begin_guest(&open);
        world.restart();
        world
    }

    /// A client appends something.
    pub(crate) fn append_any(&mut self) {
        if self.closed {
            return;
        }
        let secret = self.rng.one_in(2);
        match self.rng.below(20) {
            0..=8 => self.append_message(),
            9 | 10 => self.append(REGENERATE, secret),
            11 => self.append(&trigger("action"), secret),
            12..=15 => self.append(STOP, secret),
            16 => self.append(&trigger("close"), secret),
            17 => self.append(&trigger("preload"), secret),
            18 if self.rng.one_in(4) => self.close_session(),
            _ => self.append("raw text", secret),
        }
    }

    pub(crate) fn append_message(&mut self) {
        self.users += 1;
        self.append(&message(self.users), false);
    }

    pub(crate) fn append(&mut self, text: &str, secret: bool) {
        let mut record = NewRecord::text(text, "x");
        let class = if secret { "secret" } else { "public" };
        record.headers.push((control::CREDENTIAL.to_owned(), class.to_owned()));
        self.disk.receive(record);
    }

    pub(crate) fn close_session(&mut self) {
        let mut record = NewRecord::text(&trigger("close"), "x");
        record.headers.push((control::CLOSE.to_owned(), "bye".to_owned()));
        self.disk.receive(record);
        self.closed = true;
    }

    pub(crate) fn commit(&mut self, ops: Vec<Op>) -> Result<Committed, CommitError> {
        let before = self.disk.out.len();
        self.check_rejections(&ops);
        let open = self.book().head_start;
        let committed = self.disk.commit(ops);
        self.follow_step(open.as_ref(), before);
        if self.disk.out.len() > before {
            self.wrote_at = self.now;
            let next = self.machine.seen().map_or(0, |seq| seq + 1);
            self.unread.extend(next..self.disk.input.len() as u64);
        }
        committed
    }

    /// A head start that fails costs no message its answer (R-HDS-8).
    fn check_rejections(&self, ops: &[Op]) {
        let open = self.book().head_start;
        let own = open.as_ref().and_then(|open| open.by_gateway.as_ref()?.input);
        let waits = open.is_some();
        for (seq, fate) in ops.iter().filter_map(settled).flatten() {
            let answer = Owed::of(&self.disk.input[*seq as usize]).is_some_and(|it| it.is_answer());
            let rejected = answer && matches!(fate, Fate::Rejected { .. });
            let others = waits && own != Some(*seq);
            assert!(!(others && rejected), "message {seq} is rejected for a head start");
        }
    }

    /// The gateway is killed. The worker may come back with its run, go on without knowing, or die.
    pub(crate) fn crash(&mut self) {
        if let Some(mut run) = self.work.take() {
            run.uplink.extend(self.hearing.take());
            run.uplink.make_contiguous().sort_by_key(|(seq, _)| *seq);
            run.cut();
            match self.rng.below(3) {
                0 => self.orphan = Some(run),
                1 => self.zombies.push(run),
                _ => {}
            }
        }
        self.hearing = None;
        self.restart();
    }

    /// The store fails for a moment: the machine is made anew, the run goes on, and its frame is
    /// taken again.
    pub(crate) fn fail_store(&mut self) {
        if let (Some(run), Some(heard)) = (&mut self.work, self.hearing.take()) {
            run.uplink.push_front(heard);
        }
        self.hearing = None;
        self.restart();
    }

    pub(crate) fn restart(&mut self) {
        (self.placing, self.slot) = (false, false);
        self.machine = machine(&self.disk, self.now);
        self.restore();
    }

    /// As the driver does it.
    fn restore(&mut self) {
        for seq in self.disk.open().collect::<Vec<_>>() {
            self.machine.restore_owed(&self.disk.input[seq as usize].clone());
        }
        self.machine.restore_seen(self.disk.input.len() as u64);
        self.note_out();
        self.restore_step();
        if let Some(run) = &self.work {
            self.machine.handle_adopted(run.is_parked(), run.sent, self.now);
        }
        self.machine.handle_restored(self.now);
        if self.perform() {
            self.read_inputs();
        }
    }

    pub(crate) fn book(&self) -> Book {
        book(&self.disk)
    }
}

fn settled(op: &Op) -> Option<&Vec<(u64, Fate)>> {
    match op {
        Op::Settle(fates) => Some(fates),
        _ => None,
    }
}

fn book(disk: &Disk) -> Book {
    Book::parse(&disk.blobs[BOOK_BLOB]).expect("ours")
}

fn machine(disk: &Disk, now: u64) -> Machine {
    let book = book(disk);
    let row = disk.blobs.get(&run_name(book.number));
    let row = row.map(|bytes| RunRow::parse(bytes).expect("ours"));
    Machine::new(book, row, LIMITS, now)
}
