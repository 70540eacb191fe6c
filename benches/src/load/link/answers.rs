//! From a message to the first word of its answer.
//!
//! A user waits for the answer and a pause before the next message, and goes to a new session
//! after a few turns: a session's history is sent with every turn, and a long one would be the
//! thing that is measured.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::served::{Served, Through};
use crate::load::latency::Latency;
use crate::load::schedule::fraction;
use crate::load::talks::{Faults, Talks};
use crate::target::{AGENT, Kind, cpu, memory};

const WARM_UP: Duration = Duration::from_secs(1);
/// Turns of a session.
const TURNS: u32 = 10;
/// Words of an answer.
const WORDS: u32 = 10;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct AnswerPlan {
    /// Users, each in one session at a time.
    pub users: u32,
    /// Turns a second of all of them, if answers took no time.
    pub rate: u32,
    /// Seconds that count.
    pub seconds: u32,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Answers {
    /// Users.
    pub users: u32,
    /// Turns that count.
    pub turns: u32,
    /// From the message to the first word, second to last turn of a session.
    pub first_ms: Latency,
    /// The same of a session's first turn.
    pub opening_ms: Latency,
    /// CPU microseconds of the gateway for a turn.
    pub cpu_us_per_turn: f64,
    /// CPU microseconds of the worker for a turn; 0 without one.
    pub worker_cpu_us_per_turn: f64,
    /// What was not exact.
    pub faults: Faults,
    /// Resident bytes of the gateway at the end.
    pub rss_bytes: u64,
}

/// Runs the load against a fresh target of `kind`.
pub fn answers(kind: &Kind, through: Through, plan: AnswerPlan) -> io::Result<Answers> {
    let served = Served::start(kind, through)?;
    let mut run = Run::open(&served, plan)?;
    let warm = Instant::now() + WARM_UP;
    let stop = warm + Duration::from_secs(plan.seconds.into());
    let mut before = None;
    while Instant::now() < stop {
        if before.is_none() && Instant::now() >= warm {
            before = Some(Spent::now(&served)?);
            run.counts = true;
        }
        run.ask_due()?;
        let mark = if run.counts { stop } else { warm };
        run.read(run.next_due().map_or(mark, |due| due.min(mark)))?;
    }
    let after = Spent::now(&served)?;
    run.counts = false;
    while run.asked > 0 {
        run.read(Instant::now() + WARM_UP)?;
    }
    let before = before.ok_or_else(|| io::Error::other("it never warmed up"))?;
    let turns = u32::try_from(run.firsts.len() + run.openings.len()).unwrap_or(u32::MAX);
    let per_turn = |time: Duration| time.as_secs_f64() / f64::from(turns) * 1e6;
    Ok(Answers {
        users: plan.users,
        turns,
        first_ms: Latency::of(run.firsts),
        opening_ms: Latency::of(run.openings),
        cpu_us_per_turn: per_turn(after.gateway - before.gateway),
        worker_cpu_us_per_turn: per_turn(after.worker - before.worker),
        faults: run.talks.faults,
        rss_bytes: memory(served.target.pid())?.rss,
    })
}

/// CPU time so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) gateway: Duration,
    pub(super) worker: Duration,
}

impl Spent {
    pub(super) fn now(served: &Served) -> io::Result<Self> {
        let worker = served.worker.as_ref().map(|worker| cpu(worker.pid())).transpose()?;
        Ok(Self { gateway: cpu(served.target.pid())?, worker: worker.unwrap_or_default() })
    }
}

struct Run {
    talks: Talks,
    pause: Duration,
    /// Talks by the moment of their next message.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Turns of each talk so far.
    turns: Vec<u32>,
    /// Sessions that were opened ahead.
    fresh: Vec<usize>,
    asked: u32,
    counts: bool,
    firsts: Vec<Duration>,
    openings: Vec<Duration>,
}

impl Run {
    fn open(served: &Served, plan: AnswerPlan) -> io::Result<Self> {
        let mut talks = Talks::new(&served.target.address, AGENT)?;
        let pause = Duration::from_secs(plan.users.into()) / plan.rate;
        // A worker that is still dialling would be in the first figures.
        talks.open()?;
        talks.all_answered(1)?;
        let turns = (WARM_UP + Duration::from_secs(plan.seconds.into())).as_secs_f64()
            * f64::from(plan.rate);
        // No user finds all of its sessions used up, however fast the answers are.
        let ahead = (turns / f64::from(TURNS)) as u32 + plan.users;
        let fresh = (0..ahead).map(|_| talks.open()).collect::<io::Result<Vec<_>>>()?;
        let start = Instant::now();
        let mut run = Self {
            turns: vec![0; fresh.len() + 1],
            talks,
            pause,
            due: BinaryHeap::new(),
            fresh,
            asked: 0,
            counts: false,
            firsts: Vec::new(),
            openings: Vec::new(),
        };
        for user in 0..plan.users {
            let talk = run.fresh.pop().ok_or_else(|| io::Error::other("too few sessions"))?;
            run.due.push(Reverse((start + pause.mul_f64(fraction(user)), talk)));
        }
        Ok(run)
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    fn ask_due(&mut self) -> io::Result<()> {
        while let Some(Reverse((due, talk))) = self.due.peek().copied()
            && due <= Instant::now()
        {
            self.due.pop();
            self.talks.ask_words(talk, WORDS)?;
            self.turns[talk] += 1;
            self.asked += 1;
        }
        Ok(())
    }

    fn read(&mut self, deadline: Instant) -> io::Result<()> {
        for seen in self.talks.wait(Some(deadline))? {
            let turn = self.turns[seen.talk];
            if let (true, Some(first)) = (self.counts, seen.first) {
                let of = if turn == 1 { &mut self.openings } else { &mut self.firsts };
                of.push(first);
            }
            if seen.ended {
                self.asked -= 1;
                let next = if turn < TURNS { Some(seen.talk) } else { self.fresh.pop() };
                let next = next.ok_or_else(|| io::Error::other("too few sessions"))?;
                self.due.push(Reverse((Instant::now() + self.pause, next)));
            }
        }
        Ok(())
    }
}
