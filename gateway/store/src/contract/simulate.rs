//! Random operations on a store and on the model, which must agree all the time.

use tidegate_core::seams::store::{
    Append, Commit, Fate, Floor, LeaseRequest, ListQuery, Op, Position, Retention, Status, Writer,
};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::{Channel, Direction, SessionKey, StreamId};

use super::factory::StoreFactory;
use super::fixture::{ALL, Fixture, START, record, row};
use super::model::{Model, Session};
use super::random::Random;

const NAMES: [&str; 3] = ["a", "b", "a/b"];
const RULES: Retention =
    Retention { ttl_ms: 60_000, records: 8, bytes: 150, closed_ttl_ms: 20_000 };

/// Does `steps` random things from `seed` to both. Panics where they differ.
pub async fn random_operations_match_the_model(
    factory: &dyn StoreFactory,
    seed: u64,
    steps: usize,
) {
    let fixture = Fixture::with(factory, RULES).await;
    let mut run = Run { random: Random::new(seed), model: Model::default(), now: START, fixture };
    for step in 0..steps {
        run.pass_time();
        run.step(step).await;
        if run.random.once_in(12) {
            run.compare(step).await;
        }
        if run.random.once_in(60) {
            run.fixture = run.fixture.reopen(factory).await;
            run.compare(step).await;
        }
    }
    run.compare(steps).await;
}

struct Run {
    random: Random,
    model: Model,
    now: u64,
    fixture: Fixture,
}

impl Run {
    fn pass_time(&mut self) {
        self.now = match self.random.below(40) {
            0 => self.now + 10 * 60_000,
            1 => self.now - 50,
            2..=5 => self.now + 5_000,
            _ => self.now + self.random.below(20),
        };
        self.fixture.clock.set(self.now);
    }

    async fn step(&mut self, step: usize) {
        let store = self.fixture.store.clone();
        let key = self.key();
        match self.random.below(20) {
            0 => {
                store.delete(&key).await.expect("a deletion");
                self.model.delete(&key);
            }
            1 => {
                let real = store.enforce_retention(self.now).await;
                assert_eq!(real, Ok(self.model.enforce(&RULES, self.now)), "step {step}");
            }
            2 | 3 => {
                let holder = ["x", "y"][self.random.below(2) as usize].to_owned();
                let request = match self.random.below(3) {
                    0 => LeaseRequest::Release { holder },
                    _ => LeaseRequest::Take { holder, ttl_ms: self.random.below(9_000) },
                };
                let model = self.model.lease(&key, &request, self.now);
                assert_eq!(store.lease(&key, request).await, model, "step {step}");
            }
            _ => {
                let count = 1 + self.random.below(4);
                let ops = (0..count).map(|_| self.op(&key)).collect();
                let commit = Commit { session: key, ops };
                let model = self.model.commit(&commit, self.now);
                let real = store.commit(commit.clone()).await;
                assert_eq!(real, model, "step {step}: {commit:?}");
            }
        }
    }

    fn op(&mut self, key: &SessionKey) -> Op {
        let session = self.model.sessions.get(key).cloned().unwrap_or_default();
        let channel = self.channel();
        let near = |random: &mut Random, at: u64| (at + random.below(6)).saturating_sub(3);
        match self.random.below(16) {
            0..=6 => self.append(&session, channel),
            7 | 8 => {
                let tail = session.state(&Channel::IN).tail;
                let owed = session.owed.first().copied().unwrap_or(tail);
                let seqs = [near(&mut self.random, owed), near(&mut self.random, tail)];
                let fate = Fate::Answered { turn: self.random.below(1_000) };
                Op::Settle(seqs.map(|seq| (seq, fate.clone())).into())
            }
            9 => {
                let floor = if self.random.once_in(2) { Floor::Replay } else { Floor::Retention };
                let state = session.state(&channel);
                let at = [state.tail, state.retention_floor][self.random.below(2) as usize];
                Op::Trim { channel, floor, before: near(&mut self.random, at) }
            }
            10 | 11 => {
                let bytes = vec![0; self.random.below(50) as usize].into();
                Op::PutBlob { name: self.blob_name(), bytes }
            }
            12 => {
                let prefix = ["", "t", "t/"][self.random.below(3) as usize].to_owned();
                Op::DeleteBlobs { prefix, from: self.blob_name() }
            }
            13 | 14 => self.put_row(&session, key),
            _ => Op::HandOver,
        }
    }

    fn append(&mut self, session: &Session, channel: Channel) -> Op {
        let state = session.state(&channel);
        let off = u64::from(self.random.once_in(8));
        let writer = match self.random.below(8) {
            0 => Writer::Run { fence: state.fence + off },
            1 => Writer::Guest { handovers: state.handovers + off },
            2 => Writer::Gateway { bump: self.random.once_in(2) },
            _ => Writer::Client,
        };
        let count = 1 + self.random.below(3);
        let sizes: Vec<_> = (0..count).map(|_| self.random.below(30) as usize).collect();
        Op::Append(Append {
            channel,
            writer,
            frame_key: self.random.once_in(3).then(|| format!("k{}", self.random.below(40))),
            records: sizes.into_iter().map(|size| record("x".repeat(size))).collect(),
            owed: self.random.once_in(2),
        })
    }

    fn put_row(&mut self, session: &Session, key: &SessionKey) -> Op {
        let off = u64::from(self.random.once_in(8));
        let old = session.row.as_ref();
        let expected = old.map(|row| row.version + off);
        let created_at = old.map_or(START + self.random.below(4), |row| row.created_at);
        let some_time =
            |random: &mut Random, now| random.once_in(3).then(|| now + random.below(30_000));
        let row = SessionRow {
            agent: format!("agent-{}", self.random.below(3)),
            closed_at: some_time(&mut self.random, self.now - 30_000),
            expires_at: some_time(&mut self.random, self.now),
            ..row(key.name(), created_at)
        };
        Op::PutRow { expected, row: Box::new(row) }
    }

    fn key(&mut self) -> SessionKey {
        SessionKey::new("dev", NAMES[self.random.below(NAMES.len() as u64) as usize])
    }

    fn channel(&mut self) -> Channel {
        channels()[self.random.below(3) as usize].clone()
    }

    fn blob_name(&mut self) -> String {
        ["s", "t", "t/1", "t/2", "u"][self.random.below(5) as usize].to_owned()
    }

    async fn compare(&mut self, step: usize) {
        for name in NAMES {
            let key = SessionKey::new("dev", name);
            let session = self.model.sessions.get(&key).cloned().unwrap_or_default();
            self.compare_session(&key, &session, step).await;
        }
        let (store, now) = (&self.fixture.store, self.now);
        assert_eq!(store.sweep_owed(None, 99).await, Ok(self.model.unserved(now)), "step {step}");
        let over = store.sweep_expired(now, 99).await.expect("a sweep");
        let expected = self.model.over(RULES.closed_ttl_ms, now);
        assert_eq!(over.len(), expected.len(), "step {step}");
        assert_eq!(over.into_iter().collect::<std::collections::BTreeSet<_>>(), expected);
        self.compare_listing(step).await;
    }

    async fn compare_session(&self, key: &SessionKey, session: &Session, step: usize) {
        let store = &self.fixture.store;
        for channel in channels() {
            let id = StreamId { session: key.clone(), channel: channel.clone() };
            let state = store.state(&id).await;
            assert_eq!(state, Ok(session.state(&channel)), "step {step}: {id:?}");
            let records = store.read(&id, 0, ALL).await;
            assert_eq!(records.as_deref(), Ok(session.records(&channel)), "step {step}: {id:?}");
        }
        let owed: Vec<_> = session.owed.iter().copied().collect();
        assert_eq!(store.owed(key).await, Ok(owed), "step {step}: {key:?}");
        let fates: Vec<_> = session.fates.clone().into_iter().collect();
        assert_eq!(store.fates(key, 0, 999).await, Ok(fates), "step {step}: {key:?}");
        let blobs: Vec<_> = session.blobs.clone().into_iter().rev().collect();
        assert_eq!(store.blobs(key, "", None, 999).await, Ok(blobs), "step {step}: {key:?}");
        let row = store.session(key).await.expect("a row or none");
        assert_eq!(row.as_deref(), session.row.as_ref(), "step {step}: {key:?}");
        let id = format!("session_{}", key.name());
        let found = session.row.as_ref().map(|_| key.clone());
        assert_eq!(store.resolve("dev", &id).await, Ok(found), "step {step}");
    }

    async fn compare_listing(&mut self, step: usize) {
        let statuses = match self.random.below(3) {
            0 => vec![Status::Active],
            1 => vec![Status::Closed, Status::Expired],
            _ => vec![],
        };
        let rows = self.model.sessions.values().filter_map(|session| session.row.clone());
        let fits =
            |row: &SessionRow| statuses.is_empty() || statuses.contains(&row.status(self.now));
        let mut expected: Vec<_> = rows.filter(fits).collect();
        expected.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id.clone())));
        let mut query = ListQuery {
            environment: "dev".into(),
            statuses,
            now: self.now,
            size: 2,
            ..ListQuery::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = self.fixture.store.list(query.clone()).await.expect("a page");
            listed.extend(page.rows);
            let Some(next) = page.next else { break };
            query.position = Position::After(next);
        }
        assert_eq!(listed, expected, "step {step}");
    }
}

fn channels() -> [Channel; 3] {
    [Channel::IN, Channel::OUT, Channel { side: Some("s".into()), direction: Direction::Out }]
}
