//! The highest rate of appends: every connection sends its next record as soon as the last one
//! was accepted. They go to a side channel, where no turn engine looks at them.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::appender::Appender;
use super::latency::Latency;
use crate::net::{Control, Marker, READ_BYTES, Reactor};
use crate::target::{Target, cpu, memory};

const WARM_UP: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Appends {
    /// Connections, each with its own session.
    pub connections: u32,
    /// Accepted records a second.
    pub appends_per_second: f64,
    /// From the request to its answer.
    pub latency_ms: Latency,
    /// CPU microseconds of the target for an append.
    pub cpu_us_per_append: f64,
    /// Cores that the target used.
    pub target_util: f64,
    /// Resident bytes of the target at the end.
    pub rss_bytes: u64,
}

/// Runs the load against `target`.
pub fn appends(target: &Target, connections: u32, seconds: u32) -> io::Result<Appends> {
    let mut reactor = Reactor::new()?;
    let mut control = Control::connect(&target.address)?;
    let mut writers = Vec::new();
    for session in 0..connections {
        let name = format!("appends-{session}");
        control.create(&name)?;
        let path = format!("/realtime/v1/sessions/{name}/channels/x/in");
        writers.push(Appender::new(&target.address, &path, &reactor, session.into())?);
    }
    let mut sent = vec![(Instant::now(), 0); writers.len()];
    let warm = Instant::now() + WARM_UP;
    let stop = warm + Duration::from_secs(seconds.into());
    let (mut samples, mut before) = (Vec::new(), None);
    let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    for (session, writer) in (0..).zip(&mut writers) {
        writer.send(&reactor, Marker { session, index: 0 })?;
    }
    loop {
        reactor.wait(Some(if before.is_none() { warm } else { stop }), &mut ready)?;
        let now = Instant::now();
        if now >= stop {
            break;
        }
        if before.is_none() && now >= warm {
            before = Some((now, cpu(target.pid())?));
        }
        for one in &ready {
            let session = u32::try_from(one.token).map_err(io::Error::other)?;
            let (writer, sent) = (&mut writers[session as usize], &mut sent[session as usize]);
            if one.writable {
                writer.flush(&reactor)?;
            }
            if one.readable && writer.read(&mut buffer)? {
                if before.is_some() {
                    samples.push(sent.0.elapsed());
                }
                *sent = (Instant::now(), sent.1 + 1);
                writer.send(&reactor, Marker { session, index: sent.1 })?;
            }
        }
    }
    let (since, spent) = before.ok_or_else(|| io::Error::other("it never warmed up"))?;
    let seconds = since.elapsed().as_secs_f64();
    let spent = (cpu(target.pid())? - spent).as_secs_f64();
    let count = samples.len() as f64;
    Ok(Appends {
        connections,
        appends_per_second: count / seconds,
        latency_ms: Latency::of(samples),
        cpu_us_per_append: spent / count * 1e6,
        target_util: spent / seconds,
        rss_bytes: memory(target.pid())?.rss,
    })
}
