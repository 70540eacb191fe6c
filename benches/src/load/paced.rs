//! Paced appends, each delivered to the readers of its session.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::appender::Appender;
use super::check::Check;
use super::follower::Follower;
use super::latency::Latency;
use super::schedule::Schedule;
use super::usage::Usage;
use crate::net::{Control, Marker, READ_BYTES, Reactor, Ready, Scanner};
use crate::target::{Target, memory};

/// Where records go in and come out, and whose CPU time counts.
#[derive(Clone, Debug)]
pub struct Site {
    /// Address that appends go to.
    pub writes: String,
    /// Address that readers connect to.
    pub reads: String,
    /// Processes; the first is the one whose memory is looked at.
    pub pids: Vec<u32>,
}

/// Seconds before anything counts.
const WARM_UP: u32 = 1;
/// How long the last records may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Records of one append.
const BULK_MAX: u32 = 500;

/// What to do.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Plan {
    /// Sessions.
    pub sessions: u32,
    /// SSE readers of each session.
    pub readers: u32,
    /// Records a second, each session.
    pub rate: u32,
    /// Seconds that count.
    pub seconds: u32,
    /// What is due goes in one append, as agents write; else one append for each record.
    pub is_bulk: bool,
}

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Paced {
    /// Records delivered to a reader, a second.
    pub delivered_per_second: f64,
    /// From the moment that a record was due to the moment that a reader had parsed it.
    pub latency_ms: Latency,
    /// Records that a reader never got.
    pub lost: u64,
    /// Records that a reader got again.
    pub duplicated: u64,
    /// Records out of order.
    pub reordered: u64,
    /// CPU seconds of the target for a million delivered records.
    pub cpu_s_per_million: f64,
    /// The same of the generator.
    pub generator_cpu_s_per_million: f64,
    /// Cores that the target used.
    pub target_util: f64,
    /// Cores that the generator used.
    pub generator_util: f64,
    /// Resident bytes of the target at the end.
    pub rss_bytes: u64,
    /// Bytes of HTTP that a reader gets for a record.
    pub bytes_per_delivery: f64,
}

/// Runs the load against `target`.
pub fn paced(target: &Target, plan: &Plan) -> io::Result<Paced> {
    let address = || target.address.clone();
    let site = Site { writes: address(), reads: address(), pids: vec![target.pid()] };
    paced_at(&site, plan, |_| Ok(()))
}

/// Runs the load against `site`; calls `mark` where what counts begins, and where it ends, with the
/// records that were received by then.
pub fn paced_at(
    site: &Site,
    plan: &Plan,
    mut mark: impl FnMut(u64) -> io::Result<()>,
) -> io::Result<Paced> {
    let mut run = Run::open(site, plan)?;
    let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    let warm = run.start + Duration::from_secs(WARM_UP.into());
    let stop = warm + Duration::from_secs(plan.seconds.into());
    let patient = stop + PATIENCE;
    let mut usage: Vec<Usage> = Vec::new();
    while usage.len() < 2 || run.received < run.expected {
        let now = Instant::now();
        let moment = [warm, stop, patient][usage.len()];
        if now >= patient {
            break;
        }
        if now >= moment {
            usage.push(Usage::of(&site.pids, run.received)?);
            mark(run.received)?;
            continue;
        }
        run.send_due(now)?;
        let next = run.schedule.next().map_or(moment, |(due, _)| due.min(moment));
        run.reactor.wait(Some(next), &mut ready)?;
        for one in &ready {
            run.handle(*one, &mut buffer)?;
        }
    }
    run.figures(site, &usage)
}

#[derive(Debug)]
struct Run {
    plan: Plan,
    reactor: Reactor,
    scanner: Scanner,
    start: Instant,
    schedule: Schedule,
    writers: Vec<Writer>,
    readers: Vec<(Follower, Check)>,
    samples: Vec<Duration>,
    received: u64,
    received_bytes: u64,
    expected: u64,
}

#[derive(Debug)]
struct Writer {
    appender: Appender,
    /// Records that are due by now.
    due: u32,
    sent: u32,
}

impl Run {
    fn open(site: &Site, plan: &Plan) -> io::Result<Self> {
        let reactor = Reactor::new()?;
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        let mut control = Control::connect(&site.writes)?;
        for session in 0..plan.sessions {
            let name = format!("paced-{session}");
            control.create(&name)?;
            let path = format!("/realtime/v1/sessions/{name}/out");
            for reader in 0..plan.readers {
                let token = u64::from(plan.sessions + session * plan.readers + reader);
                let follower = Follower::open(&site.reads, &path, &reactor, token)?;
                readers.push((follower, Check::default()));
            }
            let token = session.into();
            let appender = if plan.is_bulk {
                Appender::bulk(&site.writes, &control.writer(&path)?, &reactor, token)?
            } else {
                Appender::new(&site.writes, &path, &reactor, token)?
            };
            writers.push(Writer { appender, due: 0, sent: 0 });
        }
        let rounds = plan.rate * (WARM_UP + plan.seconds);
        let start = Instant::now();
        let expected = u64::from(rounds) * u64::from(plan.sessions) * u64::from(plan.readers);
        Ok(Self {
            plan: *plan,
            reactor,
            scanner: Scanner::default(),
            start,
            schedule: Schedule::new(start, plan.sessions, plan.rate, rounds),
            writers,
            readers,
            samples: Vec::new(),
            received: 0,
            received_bytes: 0,
            expected,
        })
    }

    fn send_due(&mut self, now: Instant) -> io::Result<()> {
        while let Some((_, session)) = self.schedule.next().filter(|(due, _)| *due <= now) {
            self.schedule.advance();
            self.writers[session as usize].due += 1;
            self.send(session)?;
        }
        Ok(())
    }

    fn send(&mut self, session: u32) -> io::Result<()> {
        let writer = &mut self.writers[session as usize];
        if writer.appender.busy || writer.sent == writer.due {
            return Ok(());
        }
        if self.plan.is_bulk {
            let due = writer.sent..writer.due.min(writer.sent + BULK_MAX);
            writer.sent = due.end;
            return writer.appender.send_bulk(&self.reactor, session, due);
        }
        let marker = Marker { session, index: writer.sent };
        writer.sent += 1;
        writer.appender.send(&self.reactor, marker)
    }

    fn handle(&mut self, one: Ready, buffer: &mut [u8]) -> io::Result<()> {
        let token = u32::try_from(one.token).map_err(io::Error::other)?;
        if token >= self.plan.sessions {
            return self.receive(token - self.plan.sessions, buffer);
        }
        let appender = &mut self.writers[token as usize].appender;
        if one.writable {
            appender.flush(&self.reactor)?;
        }
        if one.readable && appender.read(buffer)? {
            self.send(token)?;
        }
        Ok(())
    }

    fn receive(&mut self, reader: u32, buffer: &mut [u8]) -> io::Result<()> {
        let session = reader / self.plan.readers;
        let cold = self.plan.rate * WARM_UP;
        let (follower, check) = &mut self.readers[reader as usize];
        let count = follower.read(buffer, &self.scanner, |record| {
            let Some(marker) = record.marker.filter(|marker| marker.session == session) else {
                return;
            };
            check.see(record.seq, marker.index);
            self.received += 1;
            if marker.index >= cold {
                let due = self.schedule.due(session, marker.index);
                self.samples.push(due.elapsed());
            }
        })?;
        self.received_bytes += count as u64;
        Ok(())
    }

    fn figures(self, site: &Site, usage: &[Usage]) -> io::Result<Paced> {
        let [before, after] = usage else {
            return Err(io::Error::other("the run ended before it was measured"));
        };
        let spent = before.until(after);
        let checks = || self.readers.iter().map(|(_, check)| check);
        let lost = self.readers.iter().enumerate().map(|(reader, (_, check))| {
            check.lost(self.writers[reader / self.plan.readers as usize].due)
        });
        Ok(Paced {
            delivered_per_second: spent.delivered_per_second,
            lost: lost.sum(),
            duplicated: checks().map(|check| check.duplicated).sum(),
            reordered: checks().map(|check| check.reordered).sum(),
            cpu_s_per_million: spent.cpu_s_per_million,
            generator_cpu_s_per_million: spent.generator_cpu_s_per_million,
            target_util: spent.target_util,
            generator_util: spent.generator_util,
            rss_bytes: memory(site.pids[0])?.rss,
            bytes_per_delivery: self.received_bytes as f64 / self.received.max(1) as f64,
            latency_ms: Latency::of(self.samples),
        })
    }
}
