//! Readers that wait: what each of them holds.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::follower::Follower;
use crate::net::{Control, Marker, READ_BYTES, Reactor, Scanner, write_body};
use crate::target::{Target, cpu, memory};

/// How long nothing happens.
const HOLD: Duration = Duration::from_secs(5);
/// How long the readers may take to show that they are alive.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was seen. Bytes are growth of the proportional set size.
#[derive(Clone, Debug, Serialize)]
pub struct Idle {
    /// Readers, each of its own session.
    pub readers: u32,
    /// Bytes for a session without connections.
    pub bytes_per_session: f64,
    /// Bytes for a reader's connection, on top of its session.
    pub bytes_per_reader: f64,
    /// Seconds until all were connected, one after the other.
    pub connect_s: f64,
    /// CPU microseconds of the target for a connection with its request.
    pub cpu_us_per_connect: f64,
    /// CPU seconds of the target in 5 s of silence.
    pub idle_cpu_s: f64,
    /// Readers that still got a record after it.
    pub alive: u32,
}

/// Runs the load against `target`.
pub fn idle(target: &Target, readers: u32) -> io::Result<Idle> {
    let mut reactor = Reactor::new()?;
    let mut control = Control::connect(&target.address)?;
    let pss = || memory(target.pid()).map(|memory| memory.pss);
    let empty = pss()?;
    for session in 0..readers {
        control.create(&format!("idle-{session}"))?;
    }
    let (created, spent, since) = (pss()?, cpu(target.pid())?, Instant::now());
    let mut followers = Vec::new();
    for session in 0..readers {
        let path = path(session);
        followers.push(Follower::open(&target.address, &path, &reactor, session.into())?);
    }
    let connect_s = since.elapsed().as_secs_f64();
    let connected = cpu(target.pid())?;
    let followed = pss()?;
    let mut ready = Vec::new();
    let until = Instant::now() + HOLD;
    let scanner = Scanner::default();
    let mut buffer = vec![0; READ_BYTES];
    while Instant::now() < until {
        reactor.wait(Some(until), &mut ready)?;
        for one in &ready {
            let follower = &mut followers[usize::try_from(one.token).map_err(io::Error::other)?];
            follower.read(&mut buffer, &scanner, |_| ())?;
        }
    }
    let held = cpu(target.pid())?;
    let per = |from: u64, to: u64| (to.saturating_sub(from)) as f64 / f64::from(readers);
    Ok(Idle {
        readers,
        bytes_per_session: per(empty, created),
        bytes_per_reader: per(created, followed),
        connect_s,
        cpu_us_per_connect: (connected - spent).as_secs_f64() / f64::from(readers) * 1e6,
        idle_cpu_s: (held - connected).as_secs_f64(),
        alive: alive(&mut control, &mut reactor, &mut followers)?,
    })
}

/// How many get the one record that each session is sent now.
fn alive(
    control: &mut Control,
    reactor: &mut Reactor,
    followers: &mut [Follower],
) -> io::Result<u32> {
    let mut body = Vec::new();
    for session in (0_u32..).take(followers.len()) {
        body.clear();
        write_body(Marker { session, index: 0 }, &mut body);
        let body = std::str::from_utf8(&body).map_err(io::Error::other)?;
        control.expect(&format!("POST {}/append", path(session)), body)?;
    }
    let (scanner, mut buffer) = (Scanner::default(), vec![0; READ_BYTES]);
    let (mut ready, mut alive) = (Vec::new(), vec![false; followers.len()]);
    let until = Instant::now() + PATIENCE;
    while alive.contains(&false) && Instant::now() < until {
        reactor.wait(Some(until), &mut ready)?;
        for one in &ready {
            let at = usize::try_from(one.token).map_err(io::Error::other)?;
            followers[at].read(&mut buffer, &scanner, |record| {
                let own = |marker: Marker| u64::from(marker.session) == one.token;
                alive[at] |= record.marker.is_some_and(own);
            })?;
        }
    }
    u32::try_from(alive.iter().filter(|alive| **alive).count()).map_err(io::Error::other)
}

fn path(session: u32) -> String {
    format!("/realtime/v1/sessions/idle-{session}/out")
}
