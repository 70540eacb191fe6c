//! What a session holds in the gateway while nobody says anything.

use std::io;
use std::ops::Range;
use std::time::Duration;

use serde::Serialize;

use super::served::{Served, Through};
use crate::load::talks::{Faults, Talks};
use crate::net::Control;
use crate::target::{AGENT, Kind, memory};

/// For the gateway to take what the worker says last, `parked`, and to let go of connections.
const SETTLE: Duration = Duration::from_secs(3);
/// Users at a time, with two connections each; they leave when they were answered.
const BATCH: u32 = 100;
/// Words of the one answer.
const WORDS: u32 = 10;

/// What was seen. Bytes are growth of the proportional set size.
#[derive(Clone, Debug, Serialize)]
pub struct Parked {
    /// Sessions.
    pub sessions: u32,
    /// Bytes for a session to which nothing was said.
    pub bytes_per_session: f64,
    /// Bytes for a session that was answered once and waits, without connections: its records (in
    /// `memory:`), its history, and in mode `runs` its parked run. On top of the other ones.
    pub bytes_per_waiting: f64,
    /// What was not exact.
    pub faults: Faults,
}

/// Runs the load against a fresh target of `kind`.
pub fn parked(kind: &Kind, through: Through, sessions: u32) -> io::Result<Parked> {
    let served = Served::start(kind, through)?;
    let (address, pid) = (&served.target.address, served.target.pid());
    let pss = || {
        std::thread::park_timeout(SETTLE);
        memory(pid).map(|memory| memory.pss)
    };
    let mut control = Control::connect(address)?;
    // What the gateway takes once is not a session's.
    create(&mut control, 0..BATCH)?;
    let mut faults = answered(address, 0..BATCH)?;
    let all = BATCH..BATCH + sessions;
    let empty = pss()?;
    create(&mut control, all.clone())?;
    let created = pss()?;
    for first in all.clone().step_by(BATCH as usize) {
        faults.join(&answered(address, first..all.end.min(first + BATCH))?);
    }
    let waiting = pss()?;
    let per = |from: u64, to: u64| to.saturating_sub(from) as f64 / f64::from(sessions);
    let (bytes_per_session, bytes_per_waiting) = (per(empty, created), per(created, waiting));
    Ok(Parked { sessions, bytes_per_session, bytes_per_waiting, faults })
}

fn create(control: &mut Control, sessions: Range<u32>) -> io::Result<()> {
    sessions.into_iter().try_for_each(|session| control.create(&name(session)))
}

/// One turn in each of the sessions.
fn answered(address: &str, sessions: Range<u32>) -> io::Result<Faults> {
    let mut talks = Talks::new(address, AGENT)?;
    for session in sessions {
        talks.join(name(session))?;
    }
    talks.all_answered(WORDS)?;
    Ok(talks.faults)
}

fn name(session: u32) -> String {
    format!("parked-{session}")
}
