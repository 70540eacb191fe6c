//! A gateway with what answers for it.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use crate::net::Control;
use crate::target::{Backend, Kind, Target, Worker, WorkerMode};

/// How long the worker may take to register.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Through what an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The demo backend inside the gateway: what all of it costs without a link.
    Demo,
    /// One link to one worker.
    Link(WorkerMode),
}

/// A running gateway, and its worker if it has one.
#[derive(Debug)]
pub(super) struct Served {
    /// Stops first, so that the gateway does not log its loss.
    pub(super) worker: Option<Worker>,
    pub(super) target: Target,
}

impl Served {
    /// Starts both.
    pub(super) fn start(kind: &Kind, through: Through) -> io::Result<Self> {
        let Through::Link(mode) = through else {
            return Ok(Self { worker: None, target: Target::start(kind, &Backend::Demo)? });
        };
        let target = Target::start(kind, &Backend::Link)?;
        let worker = Worker::start(&target.address, mode)?;
        await_agent(&target.address)?;
        Ok(Self { worker: Some(worker), target })
    }
}

/// Waits until the gateway makes sessions of the agent: its worker has registered.
fn await_agent(address: &str) -> io::Result<()> {
    let mut control = Control::connect(address)?;
    let since = Instant::now();
    loop {
        match control.create("probe") {
            Ok(()) => return Ok(()),
            Err(error) if since.elapsed() > PATIENCE => return Err(error),
            Err(_) => std::thread::park_timeout(POLL),
        }
    }
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => f.write_str("demo"),
            Self::Link(mode) => write!(f, "link, {mode}"),
        }
    }
}
