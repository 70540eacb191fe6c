//! Connections that are open while nothing happens: what each of them holds.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::runtime::on_this_thread;
use crate::net::{Control, Marker, write_body};
use crate::target::{Backend, Kind, Target, cpu, memory};
use crate::transports::{Link, Site, Tally, Tickets, Via};

/// How long the readers may take to show that they are alive.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection and the reads on it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Kept {
    /// The transport.
    pub via: Via,
    /// Reads; without any, one request was answered or `hello` was.
    pub reads: u32,
}

/// Those that are measured.
pub const KEPT: [Kept; 14] = [
    Kept { via: Via::Sse1, reads: 1 },
    Kept { via: Via::Sse2, reads: 0 },
    Kept { via: Via::Sse2, reads: 1 },
    Kept { via: Via::Sse2, reads: 10 },
    Kept { via: Via::Sse3, reads: 0 },
    Kept { via: Via::Sse3, reads: 1 },
    Kept { via: Via::Sse3, reads: 10 },
    Kept { via: Via::Socket, reads: 0 },
    Kept { via: Via::Socket, reads: 1 },
    Kept { via: Via::Socket, reads: 10 },
    Kept { via: Via::SecureSocket, reads: 1 },
    Kept { via: Via::Session, reads: 0 },
    Kept { via: Via::Session, reads: 1 },
    Kept { via: Via::Session, reads: 10 },
];

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// Of which kind.
    pub kept: Kept,
    /// How many.
    pub connections: u32,
    /// Bytes for each, as growth of the gateway's proportional set size over its sessions.
    pub bytes_per_connection: f64,
    /// CPU microseconds of the gateway to take one up.
    pub cpu_us_per_connect: f64,
    /// Reads that a record reached afterwards.
    pub alive: u64,
}

/// Runs the load against a fresh gateway: one that had connections keeps their memory. What a
/// handshake leaves behind is given `settle` to be let go.
pub fn kept(kind: &Kind, kept: Kept, connections: u32, settle: Duration) -> io::Result<Memory> {
    let target = Target::start_secure(kind, &Backend::Demo)?;
    on_this_thread(run(&target, kept, connections, settle))
}

async fn run(
    target: &Target,
    kept: Kept,
    connections: u32,
    settle: Duration,
) -> io::Result<Memory> {
    let mut control = Control::connect(&target.address)?;
    (0..connections).try_for_each(|session| control.create(&name(session)))?;
    let (site, tally) = (Site::new(target, Tickets::Never)?, Rc::new(Tally::default()));
    let pss = || memory(target.pid()).map(|memory| memory.pss);
    let (empty, idle) = (pss()?, cpu(target.pid())?);
    let mut links = Vec::new();
    for connection in 0..connections {
        let mut link = Link::open(&site, kept.via, &tally).await?;
        if kept.reads == 0 || matches!(kept.via, Via::Socket | Via::SecureSocket | Via::Session) {
            link.warm().await?;
        }
        for read in 0..kept.reads {
            let session = (connection + read) % connections;
            link.follow(session, &name(session), 0).await?;
        }
        links.push(link);
    }
    sleep(settle).await;
    let (held, spent) = (pss()?.saturating_sub(empty), cpu(target.pid())? - idle);
    Ok(Memory {
        kept,
        connections,
        bytes_per_connection: held as f64 / f64::from(connections),
        cpu_us_per_connect: spent.as_secs_f64() / f64::from(connections) * 1e6,
        alive: alive(&mut control, &tally, connections, kept.reads).await?,
    })
}

/// How many get the one record that each session is sent now.
async fn alive(
    control: &mut Control,
    tally: &Tally,
    connections: u32,
    reads: u32,
) -> io::Result<u64> {
    let mut body = Vec::new();
    for session in 0..connections {
        body.clear();
        write_body(Marker { session, index: 0 }, &mut body);
        let text = std::str::from_utf8(&body).map_err(io::Error::other)?;
        let path = format!("/realtime/v1/sessions/{}/out/append", name(session));
        control.expect(&format!("POST {path}"), text)?;
        // The readers run on this thread.
        tokio::task::yield_now().await;
    }
    tally.until(u64::from(connections) * u64::from(reads), PATIENCE).await?;
    Ok(tally.received())
}

fn name(session: u32) -> String {
    format!("kept-{session}")
}
