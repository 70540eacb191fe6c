//! The turn machine against a simulated store and backend, with crashes between any two effects.
//! Deterministic: a failing seed is printed, and `TIDEGATE_SEED` replays it alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tidegate_core::metrics::Metrics;
use tidegate_core::seams::Entropy;
use tidegate_core::seams::backend::{Abilities, BackendError, BackendFault, Chunk, TurnRequest};
use tidegate_core::seams::store::{Appended, Committed, Fate, Op};
use tidegate_core::turns::conversation::Conversation;
use tidegate_core::turns::machine::{Effect, Machine, Setting};
use tidegate_core::turns::state::{ENGINE_BLOB, EngineState, MESSAGE_PREFIX, StoredMessage};
use tidegate_core::turns::TurnLimits;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::ui::Accumulator;
use tidegate_protocol::{NewRecord, Record, control};

#[derive(Debug)]
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn next_u128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What a store keeps of one session.
#[derive(Default)]
struct Disk {
    input: Vec<Record>,
    out: Vec<Record>,
    fates: BTreeMap<u64, Fate>,
    blobs: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    fn commit(&mut self, ops: Vec<Op>) -> Committed {
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
    fn check_floor(&self, appended: Option<&Appended>) {
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

    fn messages(&self) -> Vec<StoredMessage> {
        let blobs = self.blobs.iter().filter(|(name, _)| name.starts_with(MESSAGE_PREFIX));
        blobs.map(|(_, bytes)| StoredMessage::parse(bytes).expect("stored by us")).collect()
    }
}

struct World {
    rng: Rng,
    disk: Disk,
    machine: Machine,
    metrics: Arc<Metrics>,
    entropy: Arc<Counter>,
    /// The backend's script for the turn that runs.
    script: Option<VecDeque<Script>>,
    early: Option<Vec<Op>>,
    handed: u64,
    now: u64,
    users: u64,
}

enum Script {
    Chunks(Vec<Value>),
    Fail,
}

impl World {
    fn new(seed: u64) -> Self {
        let metrics = Arc::new(Metrics::default());
        let entropy = Arc::new(Counter(AtomicU64::new(1)));
        let disk = Disk::default();
        let machine = machine(&disk, &metrics, &entropy, 0);
        let (rng, script, early) = (Rng(seed * 2 + 1), None, None);
        let (handed, now, users) = (0, 0, 0);
        Self { rng, disk, machine, metrics, entropy, script, early, handed, now, users }
    }

    /// A client appends something.
    fn append(&mut self) {
        self.users += 1;
        let text = match self.rng.below(10) {
            0..=5 => message(self.users),
            6 | 7 => r#"{"kind":"stop"}"#.to_owned(),
            8 => r#"{"kind":"message","payload":{"trigger":"regenerate-message"}}"#.to_owned(),
            _ => "raw text".to_owned(),
        };
        let mut record = NewRecord::text(&text, "x");
        if self.rng.one_in(2) {
            record.headers.push((control::CREDENTIAL.to_owned(), "secret".to_owned()));
        }
        self.disk.input.push(record.at(self.disk.input.len() as u64, 0));
    }

    /// Hands in what is new. Answers `false` if the gateway crashed meanwhile.
    fn read_inputs(&mut self) -> bool {
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
    fn perform(&mut self) -> bool {
        while let Some(effect) = self.machine.poll_effect() {
            if self.rng.one_in(40) {
                self.crash();
                return false;
            }
            match effect {
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
                    let committed = self.disk.commit(ops);
                    self.machine.handle_committed(&committed);
                }
                Effect::Ask(request) => self.script = Some(self.make_script(&request)),
                Effect::Cancel => self.script = None,
            }
        }
        true
    }

    fn settle_early(&mut self) {
        if let Some(ops) = self.early.take() {
            self.disk.commit(ops);
        }
    }

    /// `kill -9`: an early commit may or may not have become durable.
    fn crash(&mut self) {
        if self.rng.one_in(2) {
            self.settle_early();
        }
        (self.early, self.script) = (None, None);
        self.machine = machine(&self.disk, &self.metrics, &self.entropy, self.now);
        self.restore();
    }

    fn restore(&mut self) {
        let state = state(&self.disk);
        let active = state.active.as_ref().map(|active| active.seq);
        if let Some(active) = &state.active {
            let input = self.disk.input[active.seq as usize].clone();
            let output = self.disk.out[active.out_start as usize..].to_vec();
            self.machine.restore_active(Some(&input), &output, self.now);
        }
        self.handed = state.seen.map_or(0, |seen| seen + 1);
        for seq in 0..self.handed {
            let record = self.disk.input[seq as usize].clone();
            let owed = is_owed(&record) && !self.disk.fates.contains_key(&seq);
            if owed && Some(seq) != active {
                self.machine.handle_input(&record, self.now);
                if !self.perform() {
                    return;
                }
            }
        }
        if self.read_inputs() {
            self.machine.handle_restored(self.now);
            self.perform();
        }
    }

    fn make_script(&mut self, request: &TurnRequest) -> VecDeque<Script> {
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

    fn backend(&mut self) {
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

    fn step(&mut self) {
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

    fn tick(&mut self) {
        if self.machine.poll_timeout().is_some_and(|at| at <= self.now) {
            self.machine.handle_timeout(self.now);
            self.perform();
        }
    }

    /// Lets everything come to its end.
    fn settle(&mut self) {
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

fn message(user: u64) -> String {
    let id = format!("u{user}");
    let message = json!({"id": id, "role": "user", "parts": [{"type": "text", "text": id}]});
    json!({"kind": "message", "payload": {"trigger": "submit-message", "message": message}})
        .to_string()
}

fn is_owed(record: &Record) -> bool {
    tidegate_protocol::input::Input::of(record) != tidegate_protocol::input::Input::Opaque
}

fn state(disk: &Disk) -> EngineState {
    let blob = disk.blobs.get(ENGINE_BLOB);
    blob.map_or_else(EngineState::default, |bytes| EngineState::parse(bytes).expect("ours"))
}

fn machine(disk: &Disk, metrics: &Arc<Metrics>, entropy: &Arc<Counter>, now: u64) -> Machine {
    let setting = Setting {
        agent: "a".into(),
        chat_id: "c".into(),
        abilities: Abilities { actions: true },
        limits: TurnLimits::default(),
        entropy: Arc::<Counter>::clone(entropy),
        metrics: Arc::clone(metrics),
    };
    let conversation = Conversation::load(disk.messages());
    Machine::new(setting, state(disk), conversation, disk.out.len() as u64, now)
}

/// Every turn's chunks reduce without an error, end in one boundary, and the transcript holds what
/// a reader of `.out` saw.
fn check(disk: &Disk) {
    for (seq, record) in disk.input.iter().enumerate() {
        let fate = disk.fates.get(&(seq as u64));
        assert_eq!(fate.is_some(), is_owed(record), "fate of input {seq}: {fate:?}");
    }
    let boundaries = disk.out.iter().filter(|record| control::is_boundary(record)).count();
    let stops = |(seq, fate): (&u64, &Fate)| {
        *fate == Fate::Applied { turn: None }
            && tidegate_protocol::input::is_from_secret_key(&disk.input[*seq as usize])
    };
    let answered = |fate: &Fate| matches!(fate, Fate::Answered { .. } | Fate::Rejected { .. });
    let expected = disk.fates.values().filter(|fate| answered(fate)).count()
        + disk.fates.iter().filter(|entry| stops(*entry)).count();
    assert_eq!(boundaries, expected, "one boundary per turn, and per idle stop by a secret key");
    let transcript = disk.messages();
    let turns = disk.out.split(control::is_boundary);
    for turn in turns {
        let mut seen = Accumulator::new("none");
        let mut deltas = std::collections::HashSet::new();
        for record in turn.iter().filter(|record| control::kind(record).is_none()) {
            let envelope = Envelope::of(record).expect("a data record");
            let chunk: Value = serde_json::from_str(envelope.data.0.get()).expect("JSON");
            seen.push(&chunk).unwrap_or_else(|error| panic!("{error} at {chunk}"));
            if let Some(delta) = chunk["delta"].as_str() {
                assert!(deltas.insert(delta.to_owned()), "{delta} was shown twice");
            }
        }
        let open = seen.open_parts();
        assert!(open.text.is_empty() && open.reasoning.is_empty(), "{open:?} at the boundary");
        let message = seen.message();
        let stored = transcript.iter().find(|stored| stored.message["id"] == message["id"]);
        if let Some(stored) = stored.filter(|stored| stored.is_final) {
            assert_eq!(stored.message, message, "the transcript is what readers saw");
        }
    }
    check_floors(disk);
}

/// Floors never fall, and every answered input finds a boundary at or above its seq.
fn check_floors(disk: &Disk) {
    let floors: Vec<u64> = disk
        .out
        .iter()
        .filter_map(|record| record.header(control::IN_EVENT_ID)?.parse().ok())
        .collect();
    assert!(floors.is_sorted(), "{floors:?}");
    for (seq, fate) in &disk.fates {
        if matches!(fate, Fate::Answered { .. }) {
            assert!(floors.iter().any(|floor| floor >= seq), "no boundary for input {seq}");
        }
    }
}

#[test]
fn every_input_has_one_fate_and_every_turn_one_boundary_whatever_crashes() {
    let rounds = if std::env::var_os("TIDEGATE_LONG").is_some() { 200_000 } else { 1_000 };
    let seeds = match std::env::var("TIDEGATE_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => (1..=rounds).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..60 {
                world.step();
            }
            world.settle();
            check(&world.disk);
        });
        if let Err(panic) = run {
            eprintln!("replay with TIDEGATE_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
