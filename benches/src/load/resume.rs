//! Resuming in the middle of a stream: one client after the other, then all at once.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::check::Check;
use super::latency::Latency;
use crate::net::{
    BODY_BYTES, Conn, Control, Events, Marker, Piece, READ_BYTES, Reactor, Scanner, head, status,
    write_body,
};
use crate::target::{Target, cpu};

/// How long one round may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Single resumptions for each client: CPU time is counted in ticks of 10 ms.
const REPEAT: u32 = 4;

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Resume {
    /// Records of the stream; half of them are read.
    pub records: u32,
    /// Clients.
    pub clients: u32,
    /// From the connection's start to the first record, one client at a time.
    pub first_ms: Latency,
    /// From the connection's start to the last record, one client at a time.
    pub full_ms: Latency,
    /// CPU microseconds of the target for one resumption.
    pub cpu_us_per_resume: f64,
    /// To the last record, all clients at once.
    pub storm_full_ms: Latency,
    /// Resumptions that did not give every record once, in order.
    pub inexact: u32,
}

/// Runs the load against `target`.
pub fn resume(target: &Target, records: u32, clients: u32) -> io::Result<Resume> {
    fill(target, records)?;
    let mut round = Round { address: &target.address, records, reactor: Reactor::new()? };
    let before = cpu(target.pid())?;
    let mut single = Vec::new();
    for _ in 0..clients * REPEAT {
        single.append(&mut round.run(1)?);
    }
    let spent = (cpu(target.pid())? - before).as_secs_f64();
    let storm = round.run(clients)?;
    let all = || single.iter().chain(&storm);
    let times = |of: &[Client], time: fn(&Client) -> Option<Duration>| {
        Latency::of(of.iter().filter_map(time).collect())
    };
    Ok(Resume {
        records,
        clients,
        first_ms: times(&single, |client| client.first),
        full_ms: times(&single, |client| client.full),
        cpu_us_per_resume: spent / f64::from(clients * REPEAT) * 1e6,
        storm_full_ms: times(&storm, |client| client.full),
        inexact: all().map(|client| u32::from(!client.is_exact(records))).sum(),
    })
}

const PATH: &str = "/realtime/v1/sessions/resume-0/out";

fn fill(target: &Target, records: u32) -> io::Result<()> {
    let mut control = Control::connect(&target.address)?;
    control.create("resume-0")?;
    let mut body = Vec::with_capacity(BODY_BYTES);
    for index in 0..records {
        body.clear();
        write_body(Marker { session: 0, index }, &mut body);
        let body = std::str::from_utf8(&body).map_err(io::Error::other)?;
        control.expect(&format!("POST {PATH}/append"), body)?;
    }
    Ok(())
}

#[derive(Debug)]
struct Round<'a> {
    address: &'a str,
    records: u32,
    reactor: Reactor,
}

#[derive(Debug)]
struct Client {
    conn: Conn,
    events: Events,
    since: Instant,
    check: Check,
    first: Option<Duration>,
    full: Option<Duration>,
}

impl Round<'_> {
    /// `clients` resume at once.
    fn run(&mut self, clients: u32) -> io::Result<Vec<Client>> {
        let cursor = (self.records / 2 - 1).to_string();
        let headers = [
            ("accept", "text/event-stream"),
            ("timeout-seconds", "60"),
            ("last-event-id", &*cursor),
        ];
        let request = head(&format!("GET {PATH}"), self.address, &headers);
        let mut all = Vec::new();
        for token in 0..clients {
            let since = Instant::now();
            let mut conn = Conn::connect(self.address, &self.reactor, token.into())?;
            conn.send(&self.reactor, request.as_bytes())?;
            let check = Check::from(self.records / 2);
            all.push(Client {
                conn,
                events: Events::default(),
                since,
                check,
                first: None,
                full: None,
            });
        }
        let until = Instant::now() + PATIENCE;
        let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
        let scanner = Scanner::default();
        while all.iter().any(|client| client.full.is_none()) && Instant::now() < until {
            self.reactor.wait(Some(until), &mut ready)?;
            for one in &ready {
                let at = usize::try_from(one.token).map_err(io::Error::other)?;
                all[at].read(&mut buffer, &scanner, self.records)?;
            }
        }
        Ok(all)
    }
}

impl Client {
    fn read(&mut self, buffer: &mut [u8], scanner: &Scanner, records: u32) -> io::Result<()> {
        let Some(count) = self.conn.read(buffer)? else { return Ok(()) };
        let (events, check, mut code) = (&mut self.events, &mut self.check, 200);
        self.conn.parser.feed(&buffer[..count], |piece| match piece {
            Piece::Head(head) => code = status(head),
            Piece::Body(part) => events.feed(part, |run| {
                scanner.scan(run, |record| {
                    if let Some(marker) = record.marker {
                        check.see(record.seq, marker.index);
                    }
                });
            }),
            Piece::End => {}
        })?;
        if count == 0 || code != 200 {
            return Err(io::Error::other(format!("a resuming reader ended, status {code}")));
        }
        let now = self.since.elapsed();
        if self.first.is_none() && self.check.next > records / 2 {
            self.first = Some(now);
        }
        if self.full.is_none() && self.check.next >= records {
            self.full = Some(now);
        }
        Ok(())
    }

    fn is_exact(&self, records: u32) -> bool {
        let check = &self.check;
        check.lost(records) + check.duplicated + check.reordered == 0
    }
}
