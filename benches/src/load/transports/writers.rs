//! Appends, on a thread of their own beside the readers.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::load::Schedule;
use crate::load::appender::Appender;
use crate::net::{Control, Marker, READ_BYTES, Reactor};

/// Records of one append, where as many as there are go into a log.
const BULK: u32 = 500;

/// Open connections, which wait for their schedule.
#[derive(Debug)]
pub(super) struct Writers {
    thread: JoinHandle<io::Result<()>>,
    start: SyncSender<Schedule>,
}

impl Writers {
    /// Returns when they are open.
    pub(super) fn open(address: &str, names: &[String]) -> io::Result<Self> {
        let (start, schedule) = sync_channel(1);
        let (opened, open) = sync_channel(1);
        let (address, names) = (address.to_owned(), names.to_vec());
        let thread = thread::spawn(move || {
            let mut writing = Writing::open(&address, &names)?;
            // Whoever waits for either is gone only when the run has failed.
            opened.send(()).map_err(io::Error::other)?;
            writing.append(schedule.recv().map_err(io::Error::other)?)
        });
        match open.recv() {
            Ok(()) => Ok(Self { thread, start }),
            Err(_) => Err(ended(thread).err().unwrap_or_else(|| io::Error::other("no writers"))),
        }
    }

    /// Appends each record when it is due.
    pub(super) fn start(&self, schedule: Schedule) -> io::Result<()> {
        self.start.send(schedule).map_err(|_| io::Error::other("the writers are gone"))
    }

    /// Waits until the last one was accepted.
    pub(super) fn end(self) -> io::Result<()> {
        ended(self.thread)
    }
}

fn ended(thread: JoinHandle<io::Result<()>>) -> io::Result<()> {
    thread.join().map_err(|_| io::Error::other("the writers panicked"))?
}

/// One connection for each session.
#[derive(Debug)]
struct Writing {
    reactor: Reactor,
    writers: Vec<Writer>,
}

#[derive(Debug)]
struct Writer {
    appender: Appender,
    /// Records that are due by now.
    due: u32,
    sent: u32,
}

impl Writing {
    fn open(address: &str, names: &[String]) -> io::Result<Self> {
        let reactor = Reactor::new()?;
        let mut writers = Vec::with_capacity(names.len());
        for (token, name) in (0..).zip(names) {
            let appender = Appender::new(address, &path(name), &reactor, token)?;
            writers.push(Writer { appender, due: 0, sent: 0 });
        }
        Ok(Self { reactor, writers })
    }

    fn append(&mut self, mut schedule: Schedule) -> io::Result<()> {
        let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
        loop {
            let now = Instant::now();
            while let Some((_, session)) = schedule.next().filter(|(due, _)| *due <= now) {
                schedule.advance();
                self.writers[session as usize].due += 1;
                self.send(session)?;
            }
            let next = schedule.next().map(|(due, _)| due);
            if next.is_none() && !self.writers.iter().any(|writer| writer.appender.busy) {
                return Ok(());
            }
            self.reactor.wait(next, &mut ready)?;
            for one in &ready {
                let session = u32::try_from(one.token).map_err(io::Error::other)?;
                let appender = &mut self.writers[session as usize].appender;
                if one.writable {
                    appender.flush(&self.reactor)?;
                }
                if one.readable && appender.read(&mut buffer)? {
                    self.send(session)?;
                }
            }
        }
    }

    fn send(&mut self, session: u32) -> io::Result<()> {
        let writer = &mut self.writers[session as usize];
        if writer.appender.busy || writer.sent == writer.due {
            return Ok(());
        }
        let marker = Marker { session, index: writer.sent };
        writer.sent += 1;
        writer.appender.send(&self.reactor, marker)
    }
}

/// Makes the session `name`, with as many records in its log, which carry the number `session`.
pub(super) fn fill(address: &str, session: u32, name: &str, records: u32) -> io::Result<()> {
    let mut control = Control::connect(address)?;
    control.create(name)?;
    let bulk = control.writer(&path(name))?;
    let mut reactor = Reactor::new()?;
    let mut appender = Appender::bulk(address, &bulk, &reactor, 0)?;
    let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    for start in (0..records).step_by(BULK as usize) {
        appender.send_bulk(&reactor, session, start..records.min(start + BULK))?;
        while appender.busy {
            reactor.wait(None, &mut ready)?;
            if ready.iter().any(|one| one.writable) {
                appender.flush(&reactor)?;
            }
            appender.read(&mut buffer)?;
        }
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("/realtime/v1/sessions/{name}/out")
}
