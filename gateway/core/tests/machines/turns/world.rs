//! A client, a gateway that crashes, and a backend that fails, driven by one seed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tidegate_core::metrics::Metrics;
use tidegate_core::seams::Entropy;
use tidegate_core::seams::backend::{Abilities, BackendError, BackendFault, Chunk, TurnRequest};
use tidegate_core::seams::store::{Fate, Op};
use tidegate_core::turns::TurnLimits;
use tidegate_core::turns::conversation::Conversation;
use tidegate_core::turns::machine::{Effect, Machine, Setting};
use tidegate_core::turns::state::{ENGINE_BLOB, EngineState};
use tidegate_protocol::{NewRecord, Record, control};

use crate::support::disk::Disk;
use crate::support::inputs::{REGENERATE, STOP, message};
use crate::support::rng::Rng;

#[derive(Debug)]
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn next_u128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct World {
    rng: Rng,
    pub(crate) disk: Disk,
    machine: Machine,
    metrics: Arc<Metrics>,
    entropy: Arc<Counter>,
    /// The backend's script for the turn that runs.
    script: Option<VecDeque<Script>>,
    /// Does the backend take messages while it answers?
    steers: bool,
    /// What the running answer was offered, in order.
    offered: Vec<Record>,
    /// What it has taken in.
    taken: BTreeSet<u64>,
    early: Option<Vec<Op>>,
    handed: u64,
    now: u64,
    users: u64,
}

pub(crate) enum Script {
    Chunks(Vec<Value>),
    Fail,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let metrics = Arc::new(Metrics::default());
        let entropy = Arc::new(Counter(AtomicU64::new(1)));
        let disk = Disk::default();
        let steers = seed.is_multiple_of(2);
        let machine = machine(&disk, &metrics, &entropy, steers, 0);
        let (rng, script, early, offered) = (Rng::new(seed), None, None, Vec::new());
        let (handed, now, users) = (0, 0, 0);
        Self {
            rng,
            disk,
            machine,
            metrics,
            entropy,
            script,
            steers,
            offered,
            taken: BTreeSet::new(),
            early,
            handed,
            now,
            users,
        }
    }

    /// A client appends something.
    pub(crate) fn append(&mut self) {
        self.users += 1;
        let text = match self.rng.below(10) {
            0..=5 => message(self.users),
            6 | 7 => STOP.to_owned(),
            8 => REGENERATE.to_owned(),
            _ => "raw text".to_owned(),
        };
        let mut record = NewRecord::text(&text, "x");
        if self.rng.one_in(2) {
            record.headers.push((control::CREDENTIAL.to_owned(), "secret".to_owned()));
        }
        self.disk.receive(record);
    }

    /// Hands in what is new. Answers `false` if the gateway crashed meanwhile.
    pub(crate) fn read_inputs(&mut self) -> bool {
        while let Some(record) = self.disk.input.get(self.handed as usize).cloned() {
            self.handed += 1;
            self.machine.handle_input(&record, self.now);
            if !self.perform() {
                return false;
            }
        }
        true
    }

    /// Performs every effect; between any two the gateway may crash.
    pub(crate) fn perform(&mut self) -> bool {
        while let Some(effect) = self.machine.poll_effect() {
            if self.rng.one_in(40) {
                self.crash();
                return false;
            }
            match effect {
                Effect::CatchUp => {
                    self.catch_up();
                    self.machine.handle_caught_up();
                }
                Effect::Fetch(seq) => {
                    let record = self.disk.input[seq as usize].clone();
                    self.machine.handle_input(&record, self.now);
                }
                Effect::CommitEarly(ops) => {
                    self.settle_early();
                    self.early = Some(ops);
                }
                Effect::Commit(ops) => {
                    self.settle_early();
                    self.check_injected(&ops);
                    // A client may append while the commit is under way.
                    if self.rng.one_in(8) {
                        self.append();
                    }
                    let committed = self.disk.commit(ops).expect("unfenced");
                    self.machine.handle_committed(&committed);
                }
                Effect::Ask(request) => {
                    assert_eq!(request.steering.is_some(), self.steers);
                    self.offered.clear();
                    self.taken.clear();
                    self.script = Some(self.make_script(&request));
                }
                Effect::Cancel => self.script = None,
                Effect::Offer(record) => {
                    assert!(self.steers && self.script.is_some(), "nobody takes {record:?}");
                    self.offered.push(*record);
                }
            }
        }
        true
    }

    /// What came before the next turn begins.
    fn catch_up(&mut self) {
        while let Some(record) = self.disk.input.get(self.handed as usize).cloned() {
            self.handed += 1;
            self.machine.handle_input(&record, self.now);
            while let Some(effect) = self.machine.poll_effect() {
                let Effect::Commit(ops) = effect else { panic!("{effect:?} between turns") };
                let committed = self.disk.commit(ops).expect("unfenced");
                self.machine.handle_committed(&committed);
            }
        }
    }

    pub(crate) fn settle_early(&mut self) {
        if let Some(ops) = self.early.take() {
            self.disk.commit(ops).expect("unfenced");
        }
    }

    /// `kill -9`: an early commit may or may not have become durable.
    pub(crate) fn crash(&mut self) {
        if self.rng.one_in(2) {
            self.settle_early();
        }
        (self.early, self.script) = (None, None);
        self.machine = machine(&self.disk, &self.metrics, &self.entropy, self.steers, self.now);
        self.restore();
    }

    pub(crate) fn restore(&mut self) {
        let state = state(&self.disk);
        let active = state.active.as_ref().map(|active| active.seq);
        if let Some(last) = state.last_out {
            self.machine.restore_end(self.disk.out[last as usize].timestamp);
        }
        if let Some(active) = &state.active {
            let input = self.disk.input[active.seq as usize].clone();
            let output = self.disk.out[active.out_start as usize..].to_vec();
            self.machine.restore_active(Some(&input), &output, self.now);
        }
        self.handed = state.seen.map_or(0, |seen| seen + 1);
        let mut signals = Vec::new();
        for seq in 0..self.handed {
            let record = self.disk.input[seq as usize].clone();
            let owed = self.disk.owed.contains(&seq) && !self.disk.fates.contains_key(&seq);
            if owed && Some(seq) != active && !self.machine.restore_owed(&record) {
                signals.push(record);
            }
        }
        self.machine.restore_queue();
        for record in &signals {
            self.machine.handle_input(record, self.now);
            if !self.perform() {
                return;
            }
        }
        if self.read_inputs() {
            self.machine.handle_restored(self.now);
            self.perform();
        }
    }

    pub(crate) fn make_script(&mut self, request: &TurnRequest) -> VecDeque<Script> {
        let mut chunks = vec![json!({"type": "start"}), json!({"type": "start-step"})];
        chunks.push(json!({"type": "text-start", "id": "t"}));
        for word in 0..self.rng.below(6) {
            let delta = format!("{}.{} ", request.turn, word);
            chunks.push(json!({"type": "text-delta", "id": "t", "delta": delta}));
        }
        if !self.rng.one_in(4) {
            chunks.push(json!({"type": "text-end", "id": "t"}));
            chunks.push(json!({"type": "finish-step"}));
            chunks.push(json!({"type": "finish"}));
        }
        let mut script = VecDeque::new();
        while !chunks.is_empty() {
            let take = 1 + self.rng.below(3) as usize;
            script.push_back(Script::Chunks(chunks.drain(..take.min(chunks.len())).collect()));
        }
        if self.rng.one_in(4) {
            script.truncate(self.rng.below(4) as usize);
            script.push_back(Script::Fail);
        }
        script
    }

    /// Only the attempt that is visible can have answered a message (I2).
    fn check_injected(&self, ops: &[Op]) {
        let fates = ops.iter().filter_map(|op| match op {
            Op::Settle(fates) => Some(fates),
            _ => None,
        });
        for (seq, fate) in fates.flatten() {
            let injected = matches!(fate, Fate::Injected { .. });
            assert!(!injected || self.taken.contains(seq), "this attempt never took {seq}");
        }
    }

    /// The backend takes some of what it was offered into its answer; it may say so twice.
    fn inject(&mut self) {
        let (rng, mut taken) = (&mut self.rng, Vec::new());
        for record in &self.offered {
            if rng.one_in(3) {
                self.taken.insert(record.seq_num);
                taken.push(record.clone());
            }
        }
        self.machine.handle_injected(taken, self.now);
    }

    pub(crate) fn backend(&mut self) {
        if self.script.is_some() && self.steers && self.rng.one_in(2) {
            self.inject();
        }
        let Some(script) = &mut self.script else { return };
        match script.pop_front() {
            Some(Script::Chunks(values)) => {
                let chunks = values.into_iter().map(Chunk::of).collect();
                self.machine.handle_chunks(chunks, self.now);
            }
            Some(Script::Fail) => {
                self.script = None;
                let (kind, message) = (BackendFault::Unavailable, "gone".to_owned());
                self.machine.handle_end(Err(BackendError { kind, message }), self.now);
            }
            None => {
                self.script = None;
                self.machine.handle_end(Ok(()), self.now);
            }
        }
        self.perform();
    }

    pub(crate) fn step(&mut self) {
        self.now += 1 + self.rng.below(20);
        match self.rng.below(12) {
            0 | 1 => self.append(),
            2..=4 => {
                self.read_inputs();
            }
            5 if self.rng.one_in(10) => self.crash(),
            _ => self.backend(),
        }
        self.tick();
    }

    pub(crate) fn tick(&mut self) {
        if self.machine.poll_timeout().is_some_and(|at| at <= self.now) {
            self.machine.handle_timeout(self.now);
            self.perform();
        }
    }

    /// Lets everything come to its end.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            self.read_inputs();
            self.backend();
            self.now = self.machine.poll_timeout().unwrap_or(self.now).max(self.now);
            self.tick();
            let all_read = self.handed as usize == self.disk.input.len();
            if self.machine.is_idle() && all_read && self.script.is_none() {
                self.settle_early();
                return;
            }
        }
        panic!("does not come to an end");
    }
}

fn state(disk: &Disk) -> EngineState {
    let blob = disk.blobs.get(ENGINE_BLOB);
    blob.map_or_else(EngineState::default, |bytes| EngineState::parse(bytes).expect("ours"))
}

fn machine(
    disk: &Disk,
    metrics: &Arc<Metrics>,
    entropy: &Arc<Counter>,
    steers: bool,
    now: u64,
) -> Machine {
    let setting = Setting {
        agent: "a".into(),
        chat_id: "c".into(),
        abilities: Abilities { actions: true, steering: steers },
        origin: Arc::default(),
        limits: TurnLimits::default(),
        entropy: Arc::<Counter>::clone(entropy),
        metrics: Arc::clone(metrics),
    };
    let conversation = Conversation::load(disk.messages());
    Machine::new(setting, state(disk), conversation, disk.out.len() as u64, now)
}
