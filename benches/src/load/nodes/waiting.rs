//! What waits: gateways among others, sessions, readers.

use std::io;
use std::time::Duration;

use super::{Stage, number_after};
use crate::load::follower::Follower;
use crate::net::{Control, Reactor, Resp};
use crate::target::{cpu, memory};

/// Ten seconds are one look of a gateway at what it watches, and one ping of its readers.
const HOLD: Duration = Duration::from_secs(20);
/// When each of the gateways that are made up was alive: never too long ago.
const FAR_FUTURE: &str = "99999999999999 1";

/// CPU microseconds in a second.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    /// Of one gateway.
    pub gateway_us_s: f64,
    /// Of Redis.
    pub redis_us_s: f64,
}

/// Bytes.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The gateway, before anything.
    pub gateway: f64,
    /// The gateway, for a session.
    pub gateway_session: f64,
    /// The gateway, for a reader.
    pub gateway_reader: f64,
    /// Redis, for a session.
    pub redis_session: f64,
}

impl Stage {
    /// What nothing costs, with both gateways and with `members` more that are made up.
    pub fn rest(&self, members: u32) -> io::Result<Rest> {
        let mut redis = self.redis.connect()?;
        for member in 0..members {
            let name = format!("member-{member}");
            redis.ask(&["HSET", "tg:{fleet}:members", &name, FAR_FUTURE])?;
        }
        std::thread::park_timeout(Duration::from_secs(1));
        let spent = |redis: &mut Resp| {
            Ok::<_, io::Error>((self.gateways_cpu()?.as_secs_f64(), redis_cpu(redis)?))
        };
        let before = spent(&mut redis)?;
        std::thread::park_timeout(HOLD);
        let after = spent(&mut redis)?;
        let per_second = 1e6 / HOLD.as_secs_f64();
        Ok(Rest {
            gateway_us_s: (after.0 - before.0) / 2.0 * per_second,
            redis_us_s: (after.1 - before.1) * per_second,
        })
    }

    /// What sessions with one reader each take at the first gateway, and what they cost in one
    /// second of silence.
    pub fn waiting(&self, sessions: u32) -> io::Result<(Held, Rest)> {
        let mut redis = self.redis.connect()?;
        let mut control = Control::connect(&self.first.address)?;
        let reactor = Reactor::new()?;
        let pss = || memory(self.first.pid()).map(|memory| memory.pss as f64);
        let (empty, stored) = (pss()?, used_memory(&mut redis)?);
        for session in 0..sessions {
            control.create(&format!("waiting-{session}"))?;
        }
        // Whoever serves a session to which nothing is said goes after five seconds.
        std::thread::park_timeout(HOLD);
        let (created, stored_after) = (pss()?, used_memory(&mut redis)?);
        let mut followers = Vec::new();
        for session in 0..sessions {
            let path = format!("/realtime/v1/sessions/waiting-{session}/out");
            let token = u64::from(session);
            followers.push(Follower::open(&self.first.address, &path, &reactor, token)?);
        }
        let followed = pss()?;
        let (gateway, before) = (cpu(self.first.pid())?, redis_cpu(&mut redis)?);
        // Sockets have room for two pings.
        std::thread::park_timeout(HOLD);
        let gateway_s = (cpu(self.first.pid())? - gateway).as_secs_f64();
        let redis_s = redis_cpu(&mut redis)? - before;
        let per = |from: f64, to: f64| (to - from).max(0.0) / f64::from(sessions);
        let per_second = 1e6 / HOLD.as_secs_f64();
        let held = Held {
            gateway: empty,
            gateway_session: per(empty, created),
            gateway_reader: per(created, followed),
            redis_session: per(stored, stored_after),
        };
        let rest = Rest { gateway_us_s: gateway_s * per_second, redis_us_s: redis_s * per_second };
        Ok((held, rest))
    }
}

/// CPU seconds of Redis, as it counts them: finer than the kernel's ticks.
pub(super) fn redis_cpu(redis: &mut Resp) -> io::Result<f64> {
    let info = redis.ask(&["INFO", "cpu"])?.concat();
    let field = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|value| value.trim().parse::<f64>().ok());
        value.ok_or_else(|| io::Error::other(format!("no {name} in INFO")))
    };
    Ok(field("used_cpu_sys:")? + field("used_cpu_user:")?)
}

/// Bytes that Redis has allocated.
pub(super) fn used_memory(redis: &mut Resp) -> io::Result<f64> {
    let info = redis.ask(&["INFO", "memory"])?.concat();
    let bytes = number_after(&info, "used_memory:");
    bytes.map(|bytes| bytes as f64).ok_or_else(|| io::Error::other("no used_memory in INFO"))
}
