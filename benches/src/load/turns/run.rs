//! The loop.

use std::io;
use std::time::{Duration, Instant};

use super::chat::Chat;
use super::plan::{TurnPlan, Turns};
use super::upstream::Upstream;
use crate::load::latency::Latency;
use crate::load::schedule::fraction;
use crate::load::usage::Usage;
use crate::net::{Control, READ_BYTES, Reactor, Ready, Scanner};
use crate::target::{Backend, Kind, Target, memory};

/// How long the last turns may take beyond their pace.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a target of `kind` whose agent is the backend here, and runs the load.
pub fn turns(kind: &Kind, plan: &TurnPlan) -> io::Result<Turns> {
    let reactor = Reactor::new()?;
    let upstream = Upstream::open(*plan, &reactor, u64::from(plan.sessions) * 2)?;
    let target = Target::start(kind, &Backend::AiSdk(upstream.url()?))?;
    let mut run = Run::open(&target, *plan, reactor, upstream)?;
    let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    // By then every session has begun its first turn.
    let warm = run.start + plan.turn() + Duration::from_millis(500);
    let stop = warm + Duration::from_secs(plan.seconds.into());
    let patient = stop + plan.turn() + PATIENCE;
    let mut usage = Vec::new();
    while usage.len() < 2 || !run.is_done() {
        let now = Instant::now();
        let mark = [warm, stop, patient][usage.len()];
        if now >= patient {
            break;
        }
        if now >= mark {
            usage.push(Usage::now(&target, run.received)?);
            run.phase = usage.len();
            continue;
        }
        run.begin_due(now)?;
        run.send_due()?;
        let next = [run.next_begin(), run.upstream.next_due()].into_iter().flatten().min();
        let next = next.map_or(mark, |next| next.min(mark));
        run.reactor.wait(Some(next), &mut ready)?;
        for one in &ready {
            run.handle(*one, &mut buffer)?;
        }
    }
    run.figures(&target, &usage)
}

#[derive(Debug)]
struct Run {
    plan: TurnPlan,
    reactor: Reactor,
    scanner: Scanner,
    upstream: Upstream,
    chats: Vec<Chat>,
    start: Instant,
    /// Sessions by the moment of their first message, last one first.
    waiting: Vec<(Instant, u32)>,
    /// Warming up, measuring, ending.
    phase: usize,
    received: u64,
    requests: Vec<Duration>,
    firsts: Vec<Duration>,
    chunks: Vec<Duration>,
}

impl Run {
    fn open(
        target: &Target,
        plan: TurnPlan,
        reactor: Reactor,
        upstream: Upstream,
    ) -> io::Result<Self> {
        let mut control = Control::connect(&target.address)?;
        let chats = (0..plan.sessions).map(|session| {
            let reader = u64::from(plan.sessions + session);
            Chat::open(&target.address, &mut control, &reactor, session, reader)
        });
        let chats = chats.collect::<io::Result<_>>()?;
        let start = Instant::now();
        let begin = |session| (start + plan.turn().mul_f64(fraction(session)), session);
        let mut waiting: Vec<_> = (0..plan.sessions).map(begin).collect();
        waiting.sort_by(|one, other| other.cmp(one));
        Ok(Self {
            plan,
            reactor,
            scanner: Scanner::default(),
            upstream,
            chats,
            start,
            waiting,
            phase: 0,
            received: 0,
            requests: Vec::new(),
            firsts: Vec::new(),
            chunks: Vec::new(),
        })
    }

    fn is_done(&self) -> bool {
        let total = u64::from(self.plan.chunks);
        self.chats.iter().all(|chat| {
            let got = u64::from(chat.check.next);
            chat.boundaries >= chat.turns && got >= total * u64::from(chat.turns)
        })
    }

    fn next_begin(&self) -> Option<Instant> {
        self.waiting.last().map(|(at, _)| *at)
    }

    fn begin_due(&mut self, now: Instant) -> io::Result<()> {
        while let Some((_, session)) = self.waiting.pop_if(|(at, _)| *at <= now) {
            self.chats[session as usize].ask(&self.reactor)?;
        }
        Ok(())
    }

    fn send_due(&mut self) -> io::Result<()> {
        let chats = &mut self.chats;
        self.upstream.send_due(&self.reactor, |session| {
            let written = &mut chats[session as usize].written;
            written.push(Instant::now());
            u32::try_from(written.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn handle(&mut self, one: Ready, buffer: &mut [u8]) -> io::Result<()> {
        let place = usize::try_from(one.token).map_err(io::Error::other)?;
        let sessions = self.chats.len();
        if place < sessions {
            let appender = &mut self.chats[place].appender;
            if one.writable {
                appender.flush(&self.reactor)?;
            }
            return if one.readable { appender.read(buffer).map(drop) } else { Ok(()) };
        }
        if place < sessions * 2 {
            return self.follow(place - sessions, buffer);
        }
        let Some(session) = self.upstream.handle(one, &self.reactor, buffer)? else {
            return Ok(());
        };
        let asked = self.chats.get_mut(session as usize).and_then(|chat| chat.asked.take());
        if let (1, Some(asked)) = (self.phase, asked) {
            self.requests.push(asked.elapsed());
        }
        // Not one pass of the loop later: the backend has its first chunk at once.
        self.send_due()
    }

    fn follow(&mut self, place: usize, buffer: &mut [u8]) -> io::Result<()> {
        let chat = &mut self.chats[place];
        let turn_ended = chat.read(buffer, &self.scanner, |index, written| {
            self.received += 1;
            let is_first = index.is_multiple_of(self.plan.chunks);
            let samples = if is_first { &mut self.firsts } else { &mut self.chunks };
            if self.phase == 1 {
                samples.push(written.elapsed());
            }
        })?;
        if turn_ended && self.phase < 2 { chat.ask(&self.reactor) } else { Ok(()) }
    }

    fn figures(self, target: &Target, usage: &[Usage]) -> io::Result<Turns> {
        let [before, after] = usage else {
            return Err(io::Error::other("the run ended before it was measured"));
        };
        let spent = before.until(after);
        let checks = || self.chats.iter().map(|chat| &chat.check);
        let lost = |chat: &Chat| chat.check.lost(self.plan.chunks * chat.turns);
        Ok(Turns {
            sessions: self.plan.sessions,
            turns: self.chats.iter().map(|chat| u64::from(chat.boundaries)).sum(),
            delivered_per_second: spent.delivered_per_second,
            lost: self.chats.iter().map(lost).sum(),
            duplicated: checks().map(|check| check.duplicated).sum(),
            reordered: checks().map(|check| check.reordered).sum(),
            boundaries_wrong: self
                .chats
                .iter()
                .map(|chat| u64::from(chat.boundaries.abs_diff(chat.turns)))
                .sum(),
            cpu_s_per_million: spent.cpu_s_per_million,
            target_util: spent.target_util,
            generator_util: spent.generator_util,
            rss_bytes: memory(target.pid())?.rss,
            request_ms: Latency::of(self.requests),
            first_chunk_ms: Latency::of(self.firsts),
            chunk_ms: Latency::of(self.chunks),
        })
    }
}
