//! A gateway with what answers for it.

use std::fmt;
use std::io;

use crate::target::{AGENT, Backend, Kind, Target, Worker, WorkerMode};

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
    /// Starts both. The worker takes `capacity` turns or runs at once.
    pub(super) fn start(kind: &Kind, through: Through, capacity: u32) -> io::Result<Self> {
        let Through::Link(mode) = through else {
            return Ok(Self { worker: None, target: Target::start(kind, &Backend::Demo)? });
        };
        let target = Target::start(kind, &Backend::Link(AGENT.to_owned()))?;
        let worker = Worker::start(&target.address, mode, capacity)?;
        Ok(Self { worker: Some(worker), target })
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
