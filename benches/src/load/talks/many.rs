//! All of them, on one reactor.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::talk::Talk;
use crate::load::check::Check;
use crate::net::{Control, READ_BYTES, Reactor, Ready, Scanner};
use crate::worker::request;

/// How long a turn may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(in crate::load) struct Talks {
    address: String,
    agent: String,
    control: Control,
    reactor: Reactor,
    scanner: Scanner,
    talks: Vec<Talk>,
    /// Words that the running turn of each will have, if they are counted.
    expected: Vec<Option<u32>>,
    ready: Vec<Ready>,
    buffer: Vec<u8>,
    pub(in crate::load) faults: Faults,
}

/// What one session brought.
#[derive(Clone, Copy, Debug)]
pub(in crate::load) struct Seen {
    /// Which.
    pub(in crate::load) talk: usize,
    /// The first delta came, so long after the message was sent.
    pub(in crate::load) first: Option<Duration>,
    /// Deltas.
    pub(in crate::load) words: u32,
    /// The turn ended.
    pub(in crate::load) ended: bool,
}

/// Answers that were not exact.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Faults {
    /// Words that never came.
    pub lost: u64,
    /// Words that came again.
    pub duplicated: u64,
    /// Words out of order.
    pub reordered: u64,
    /// Boundaries without a turn.
    pub boundaries: u64,
}

impl Talks {
    /// With agent `agent` at `address`; nobody yet.
    pub(in crate::load) fn new(address: &str, agent: &str) -> io::Result<Self> {
        Ok(Self {
            address: address.to_owned(),
            agent: agent.to_owned(),
            control: Control::connect(address)?,
            reactor: Reactor::new()?,
            scanner: Scanner::default(),
            talks: Vec::new(),
            expected: Vec::new(),
            ready: Vec::new(),
            buffer: vec![0; READ_BYTES],
            faults: Faults::default(),
        })
    }

    /// Makes a session and its user; the user's number.
    pub(in crate::load) fn open(&mut self) -> io::Result<usize> {
        let name = format!("talk-{}", self.talks.len());
        self.control.create_for(&name, &self.agent)?;
        self.join(name)
    }

    /// A user of a session that is there, and empty; the user's number.
    pub(in crate::load) fn join(&mut self, name: String) -> io::Result<usize> {
        let talk = self.talks.len();
        let number = u32::try_from(talk).map_err(io::Error::other)?;
        self.talks.push(Talk::open(&self.address, name, &self.reactor, number)?);
        self.expected.push(None);
        Ok(talk)
    }

    /// Asks for so many words, which are then counted.
    pub(in crate::load) fn ask_words(&mut self, talk: usize, count: u32) -> io::Result<()> {
        self.expected[talk] = Some(count);
        self.talks[talk].ask(&self.reactor, &request(count))
    }

    /// Says `text`; whatever is answered is taken.
    pub(in crate::load) fn ask(&mut self, talk: usize, text: &str) -> io::Result<()> {
        self.expected[talk] = None;
        self.talks[talk].ask(&self.reactor, text)
    }

    /// Asks everybody for so many words and reads all of it; how many came.
    pub(in crate::load) fn all_answered(&mut self, count: u32) -> io::Result<u64> {
        for talk in 0..self.talks.len() {
            self.ask_words(talk, count)?;
        }
        let (mut left, mut words) = (self.talks.len(), 0);
        while left > 0 {
            for seen in self.wait(None)? {
                words += u64::from(seen.words);
                left -= usize::from(seen.ended);
            }
        }
        Ok(words)
    }

    /// Waits for the one turn that runs; how long the first delta took.
    pub(in crate::load) fn answered(&mut self) -> io::Result<Duration> {
        let mut first = None;
        loop {
            for seen in self.wait(None)? {
                first = first.or(seen.first);
                if seen.ended {
                    return first.ok_or_else(|| io::Error::other("an answer without a delta"));
                }
            }
        }
    }

    /// Waits for something to read, or for `deadline`. Without one, nothing for long is an error.
    pub(in crate::load) fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Vec<Seen>> {
        let patient = Instant::now() + PATIENCE;
        let mut ready = std::mem::take(&mut self.ready);
        self.reactor.wait(Some(deadline.unwrap_or(patient)), &mut ready)?;
        if ready.is_empty() && deadline.is_none() && Instant::now() >= patient {
            return Err(io::Error::other("a turn was not answered"));
        }
        let mut all = Vec::new();
        for one in &ready {
            all.extend(self.handle(*one)?);
        }
        self.ready = ready;
        Ok(all)
    }

    fn handle(&mut self, one: Ready) -> io::Result<Option<Seen>> {
        let token = usize::try_from(one.token).map_err(io::Error::other)?;
        let (at, talk) = (token / 2, &mut self.talks[token / 2]);
        if token % 2 == 0 {
            if one.writable {
                talk.appender.flush(&self.reactor)?;
            }
            if one.readable {
                talk.appender.read(&mut self.buffer)?;
            }
            return Ok(None);
        }
        let read = talk.read(&mut self.buffer, &self.scanner)?;
        let ended = read.boundaries > 0;
        if ended {
            let check = std::mem::replace(&mut talk.check, Check::from(1));
            self.faults.add(&check, self.expected[at]);
            self.faults.boundaries += u64::from(read.boundaries - 1);
        }
        Ok(Some(Seen { talk: at, first: read.first, words: read.words, ended }))
    }
}

impl Faults {
    /// Adds those of other sessions.
    pub(in crate::load) fn join(&mut self, other: &Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.boundaries += other.boundaries;
    }

    fn add(&mut self, check: &Check, expected: Option<u32>) {
        let Some(expected) = expected else { return };
        // Words count from 1, so `next` is one more than how many there were.
        self.lost += check.lost(expected + 1);
        self.duplicated += check.duplicated;
        self.reordered += check.reordered;
    }
}
